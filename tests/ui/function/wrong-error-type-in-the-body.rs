// Expected: one error, at the `?`.
use papyra_metrics::{Counter, Gauge, Metrics, metrics};

#[derive(Default, Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    write_errors: Counter,
    records_written: Counter,
    open: Gauge,
}

struct Failed;

impl From<std::fmt::Error> for Failed {
    fn from(_: std::fmt::Error) -> Self {
        Self
    }
}

struct Log {
    metrics: LogMetrics,
}

impl Log {
    #[metrics(errors)]
    fn get(&self, at: &str) -> Result<u64, Failed> {
        let at: u64 = at.parse()?;
        Ok(at)
    }
}

fn main() {}
