// Expected: one error, on `calls`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(calls)]
    writes: Counter,
}

fn main() {}
