// Expected: one error on `objective`.
use papyra_metrics::{Histogram, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(objective(of = 99.9))]
    append: Histogram,
}

fn main() {}
