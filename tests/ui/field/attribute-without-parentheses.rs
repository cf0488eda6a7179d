// Expected: one error, on the attribute.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics]
    writes: Counter,
}

fn main() {}
