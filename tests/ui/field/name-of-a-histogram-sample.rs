// Expected: one error at the field whose exported name is that of a sample of the histogram.
use papyra_metrics::{Gauge, Histogram, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    append: Histogram,
    append_seconds_count: Gauge,
    append_count: Gauge,
}

fn main() {}
