// Expected: one error, on `prefx`; the message proposes `prefix`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(prefx = "log_")]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
