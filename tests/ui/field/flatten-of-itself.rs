// Expected: one error, on the type.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    writes: Counter,
    #[metrics(flatten, prefix = "older_")]
    older: Option<Box<LogMetrics>>,
}

fn main() {}
