// Expected: one error, on `prefix`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(skip, prefix = "a_")]
    writes: Counter,
}

fn main() {}
