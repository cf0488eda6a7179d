// Expected: one error, on `unit`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(skip, unit = "bytes")]
    writes: Counter,
}

fn main() {}
