// Expected: one error, on `errors`: the metrics belong to `self`, which is still borrowed when the error is counted.
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
    fn first(&mut self) -> Result<&mut Log, String> {
        self.sync()?;
        Ok(self)
    }

    fn sync(&self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
