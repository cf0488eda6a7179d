// Expected: one error, on `errors_by`, which needs `errors`.

#[path = "common/errors_by.rs"]
mod common;

use common::LogMetrics;
use papyra_metrics::metrics;

struct OrderLog {
    metrics: LogMetrics,
}

impl OrderLog {
    #[metrics(calls = read_errors, errors_by = kind)]
    fn append(&self) -> std::io::Result<()> {
        Ok(())
    }
}

fn main() {}
