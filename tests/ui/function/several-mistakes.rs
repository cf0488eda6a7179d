// Expected: four errors in one build, one for each mistake.
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
    #[metrics(errors = "write_errors", oks = records_written, in_flight)]
    const fn flush(&self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
