// Expected: one error, on `cancelled`: the function never returns.

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
    async fn append(&self, record: &str) -> ! {
        loop {
            std::future::pending::<()>().await;
            let _ = record;
        }
    }
}

fn main() {
    let _ = OrderLog::default().append("");
}
