// Expected: one error, on the value.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(prefix = log_)]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
