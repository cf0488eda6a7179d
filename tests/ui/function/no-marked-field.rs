// Expected: one error, on the attribute.
use papyra_metrics::{Counter, Metrics, metrics};

#[derive(Default, Metrics)]
struct LogMetrics {
    write_errors: Counter,
}

struct Log {
    metrics: LogMetrics,
}

impl Log {
    #[metrics(errors)]
    fn flush(&self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
