// Expected: one error, which names the flattened metric and the histogram that has a sample of the same name.
// `append_count` is not reported: the histogram exports `append_seconds_count`, which is a different name.

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
