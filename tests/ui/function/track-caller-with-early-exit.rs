// Expected: one error, on `errors`: the body has to run in a closure, in which `#[track_caller]` has no effect.
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
