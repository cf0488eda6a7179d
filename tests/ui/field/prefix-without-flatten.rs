// Expected: one error, on `prefix`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(prefix = "log_")]
    writes: Counter,
}

fn main() {}
