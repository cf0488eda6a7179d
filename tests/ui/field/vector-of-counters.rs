// Expected: one error, on the whole type.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    writes: Vec<Counter>,
}

fn main() {}
