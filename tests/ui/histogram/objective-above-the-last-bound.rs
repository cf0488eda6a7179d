// Expected: one error on the threshold. The message names the highest bound.
use papyra_metrics::{Histogram, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(objective(within = "2min", of = 99.9))]
    append: Histogram,
}

fn main() {}
