// Expected: two errors, one on each `METRICS`.
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

#[metrics(errors = METRICS.write_errors, calls = METRICS.records_written)]
fn open(_path: &str) -> Result<(), String> {
    Ok(())
}

fn main() {}
