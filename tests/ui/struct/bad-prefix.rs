// Expected: one error, on the string.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(prefix = "log.")]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
