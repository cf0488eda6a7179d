// Expected: one error, on `errors`.
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
    #[metrics(ok = records_written errors)]
    fn flush(&self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
