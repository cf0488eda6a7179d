// Expected: one error, on `errors`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(skip, errors)]
    writes: Counter,
}

fn main() {}
