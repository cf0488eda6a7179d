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

impl Log {
    #[metrics(errors)]
    async fn len(&self) -> u64 {
        0
    }
}

fn main() {}
