// Expected: one error, on `prefx`, which proposes the nearest key.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(prefx = "log_")]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
