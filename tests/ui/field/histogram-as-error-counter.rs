// Expected: one error on the field's type, which is not a counter.
use papyra_metrics::{Histogram, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    failed: Histogram,
}

fn main() {}
