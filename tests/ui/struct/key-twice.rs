// Expected: one error, on the second `prefix`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(prefix = "a_", prefix = "b_")]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
