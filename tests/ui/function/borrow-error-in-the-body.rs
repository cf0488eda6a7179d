// Expected: one error, in the body.
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
    fn get(&self, at: String) -> Result<String, std::num::ParseIntError> {
        let moved = at;
        moved.parse::<u8>()?;
        Ok(at)
    }
}

fn main() {}
