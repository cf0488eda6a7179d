// Expected: one error on `objective`.
use papyra_metrics::{Histogram, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(objective)]
    append: Histogram,
}

fn main() {}
