// Expected: one error, on `cancelled`: the function returns no future.

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
    #[metrics(cancelled = write_errors)]
    fn append(&self, record: &str) -> (usize, i64) {
        (record.len(), self.metrics.open.get())
    }
}

fn main() {
    let _ = OrderLog::default().append("");
}
