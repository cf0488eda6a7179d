// Expected: one error on the threshold. The message names the nearest bounds.
use papyra_metrics::{Histogram, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(objective(within = "90ms", of = 99.9))]
    append: Histogram,
}

fn main() {}
