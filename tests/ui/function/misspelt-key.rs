// Expected: one error, on `error`; the message proposes `errors`.
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
    #[metrics(error = write_errors)]
    fn flush(&self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
