// Expected: one error, on `append_seconds_count`, which is the name of a sample of the histogram.
use papyra_metrics::{Gauge, Histogram, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    append: Histogram,
    append_seconds_count: Gauge,
    append_count: Gauge,
}

fn main() {}
