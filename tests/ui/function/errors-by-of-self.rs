// Expected: one error, on the value of `errors_by`, which cannot use `self`.

#[path = "common/errors_by.rs"]
mod common;

use common::LogMetrics;
use papyra_metrics::metrics;

struct OrderLog {
    metrics: LogMetrics,
}

impl OrderLog {
    #[metrics(errors = write_errors, errors_by = |error| self.kind(error))]
    fn append(&self) -> std::io::Result<()> {
        Ok(())
    }
}

fn main() {}
