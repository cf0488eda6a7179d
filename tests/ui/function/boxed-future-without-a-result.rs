// Expected: two errors with the same message: one on the output of the future, and one on the attribute.
use papyra_metrics::{Counter, Gauge, Metrics, metrics};

#[derive(Default, Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    write_errors: Counter,
    records_written: Counter,
    open: Gauge,
}

struct Log {
    metrics: LogMetrics,
}

use std::future::Future;
use std::pin::Pin;

impl Log {
    #[metrics(errors)]
    fn len(&self) -> Pin<Box<dyn Future<Output = u64> + Send + '_>> {
        Box::pin(async move { 0 })
    }
}

fn main() {}
