// Expected: one error on the threshold, which is not a string.
use papyra_metrics::{Histogram, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(objective(within = 100, of = 99.9))]
    append: Histogram,
}

fn main() {}
