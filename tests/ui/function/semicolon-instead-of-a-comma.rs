// Expected: one error, on the semicolon.
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
    #[metrics(errors = write_errors; ok = records_written)]
    fn flush(&self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
