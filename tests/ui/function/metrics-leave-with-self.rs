// Expected: one error, on `errors`: the metrics belong to `self`, which is gone when the error is counted.
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
    fn close(self) -> Result<LogMetrics, String> {
        self.sync()?;
        Ok(self.metrics)
    }

    fn sync(&self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
