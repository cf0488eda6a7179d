// Expected: one error, on the string.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics("log_")]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
