// Expected: one error on the threshold, which is not a duration.
use papyra_metrics::{Histogram, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(objective(within = "64KiB", of = 99.9))]
    append: Histogram,
}

fn main() {}
