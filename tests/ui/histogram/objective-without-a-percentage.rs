// Expected: one error on `objective`.
use papyra_metrics::{Histogram, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(objective(within = "100ms"))]
    append: Histogram,
}

fn main() {}
