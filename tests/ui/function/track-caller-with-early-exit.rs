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
    #[metrics(errors)]
    #[track_caller]
    fn get(&self, at: &str) -> Result<u64, std::num::ParseIntError> {
        let at: u64 = at.parse()?;
        Ok(at)
    }
}

fn main() {}
