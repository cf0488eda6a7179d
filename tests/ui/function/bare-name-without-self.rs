// Expected: one error, on `write_errors`.
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

#[metrics(errors = write_errors)]
fn open(_path: &str) -> Result<(), String> {
    Ok(())
}

fn main() {}
