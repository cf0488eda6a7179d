// Expected: two errors with the same message: one on the return type, and one on the attribute.
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
    fn first(&self) -> Option<u32> {
        None
    }
}

fn main() {}
