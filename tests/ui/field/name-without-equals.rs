// Expected: one error, on the string.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(name "writes")]
    writes: Counter,
}

fn main() {}
