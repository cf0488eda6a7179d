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

#[metrics(errors)]
fn recover(_log: &Log) -> Result<(), String> {
    Ok(())
}

fn main() {}
