// Expected: one error on the threshold, which is not a number of bytes.
use papyra_metrics::{Histogram, Metrics, Sizes};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(objective(within = "100ms", of = 99.9))]
    record: Histogram<Sizes>,
}

fn main() {}
