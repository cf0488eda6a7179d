// Expected: one error, on the type.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(flatten)]
    writes: Counter,
}

fn main() {}
