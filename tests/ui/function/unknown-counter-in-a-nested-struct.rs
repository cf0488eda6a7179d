// Expected: one error, on the name of the counter.

use papyra_metrics::{Counter, Metrics, metrics};

#[derive(Default, Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    write_errors: Counter,
}

#[derive(Default, Metrics)]
struct StoreMetrics {
    #[metrics(flatten, prefix = "log_")]
    log: LogMetrics,
}

struct Store {
    metrics: StoreMetrics,
}

impl Store {
    #[metrics(errors = log.errors)]
    fn append(&self) -> Result<(), ()> {
        Err(())
    }
}

fn main() {}
