// Expected: one error, which names the flattened metric and the histogram. `append_count` is another name than
// `append_seconds_count`, so it is not part of it.

use papyra_metrics::{Counter, Gauge, Histogram, Metrics};

#[derive(Metrics)]
struct QueueMetrics {
    bucket: Gauge,
}

#[derive(Metrics)]
struct LogMetrics {
    append: Histogram,
    append_count: Counter,
    #[metrics(flatten, prefix = "append_seconds_")]
    queue: QueueMetrics,
}

fn main() {}
