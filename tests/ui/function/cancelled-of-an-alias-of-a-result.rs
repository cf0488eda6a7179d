// Expected: one error, on the return type, which is not a future.

use papyra_metrics::{Counter, Gauge, Histogram, Metrics, Sizes, metrics};

#[derive(Default, Metrics)]
struct LogMetrics {
    write_errors: Counter,
    open: Gauge,
    append: Histogram,
    record_size: Histogram<Sizes>,
}

type Fallible<T> = Result<T, std::io::Error>;

#[derive(Default)]
struct OrderLog {
    metrics: LogMetrics,
}

impl OrderLog {
    #[metrics(cancelled = write_errors)]
    fn append(&self, record: &str) -> Fallible<usize> {
        Ok(record.len() + self.metrics.open.get() as usize)
    }
}

fn main() {
    let _ = OrderLog::default().append("");
}
