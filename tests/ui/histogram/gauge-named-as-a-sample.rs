// Expected: one error, which names the gauge and the histogram that has a sample of the same name.

use papyra_metrics::{Gauge, Histogram, Metrics, Sizes};

#[derive(Metrics)]
struct LogMetrics {
    record: Histogram<Sizes>,
    record_bytes_sum: Gauge,
}

fn main() {}
