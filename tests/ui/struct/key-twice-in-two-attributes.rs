// Expected: one error, on the second `prefix`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(prefix = "a_")]
#[metrics(prefix = "b_")]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
