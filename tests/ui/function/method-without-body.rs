// Expected: one error, on `append`.
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

trait Store {
    #[metrics(errors)]
    fn append(&self) -> Result<(), String>;
}

fn main() {}
