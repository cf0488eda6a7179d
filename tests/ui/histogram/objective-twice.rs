// Expected: one error on the second `objective`.
use papyra_metrics::{Histogram, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(objective(within = "100ms", of = 99.9), objective(within = "1s", of = 99.99))]
    append: Histogram,
}

fn main() {}
