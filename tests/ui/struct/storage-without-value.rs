// Expected: one error, on `storage`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(storage)]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
