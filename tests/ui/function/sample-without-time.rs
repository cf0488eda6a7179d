// Expected: one error, on `sample`, which needs `time`.

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
    #[metrics(errors = write_errors, sample = 16)]
    fn append(&self, record: &str) -> std::io::Result<usize> {
        Ok(record.len() + self.metrics.open.get() as usize)
    }
}

fn main() {
    let _ = OrderLog::default().append("");
}
