// Expected: one error on the threshold. The message says how to write a duration.
use papyra_metrics::{Histogram, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(objective(within = "fast", of = 99.9))]
    append: Histogram,
}

fn main() {}
