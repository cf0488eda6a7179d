// Expected: two errors, both on `R`.
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
    fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        f()
    }
}

fn main() {}
