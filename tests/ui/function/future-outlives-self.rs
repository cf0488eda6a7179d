// Expected: one error, on `errors`: the metrics belong to `self`, but the future does not borrow `self`.
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
    fn flush(&self) -> Pin<Box<dyn Future<Output = Result<u64, String>> + Send>> {
        Box::pin(async move { Ok(0) })
    }
}

fn main() {}
