// Expected: one error, on `storage`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(storage = Other)]
    writes: Counter,
}

fn main() {}
