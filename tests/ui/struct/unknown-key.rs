// The caret is on `prefx`, and the nearest key is proposed.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(prefx = "log_")]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
