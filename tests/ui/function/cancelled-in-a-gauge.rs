// Expected: one error, on the gauge, which is not a counter.

use papyra_metrics::{Counter, Gauge, Histogram, Metrics, Sizes, metrics};

#[derive(Default, Metrics)]
struct LogMetrics {
    write_errors: Counter,
    open: Gauge,
    append: Histogram,
    record_size: Histogram<Sizes>,
}

#[derive(Default)]
struct OrderLog {
    metrics: LogMetrics,
}

impl OrderLog {
    #[metrics(cancelled = open)]
    async fn append(&self, record: &str) -> usize {
        record.len()
    }
}

fn main() {
    let _ = OrderLog::default().append("");
}
