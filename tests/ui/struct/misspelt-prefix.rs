// Expected: one error, on `prefx`; it proposes `prefix`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(prefx = "log_")]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
