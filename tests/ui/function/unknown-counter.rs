// Expected: one error, on `write_error`; the message proposes the field with a similar name.
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
    #[metrics(errors = write_error)]
    fn flush(&self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
