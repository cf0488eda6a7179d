// Expected: one error, on the value.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(skip(true))]
    writes: Counter,
}

fn main() {}
