// Expected: one error on the second `of`.
use papyra_metrics::{Histogram, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(objective(within = "100ms", of = 99, of = 99.9))]
    append: Histogram,
}

fn main() {}
