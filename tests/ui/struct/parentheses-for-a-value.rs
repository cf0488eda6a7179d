// Expected: one error, on the parentheses.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(prefix("log_"))]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
