// Expected: one error, on the family: `errors_by` returns a type that is not its label.

#[path = "common/errors_by.rs"]
mod common;

use common::LogMetrics;
use papyra_metrics::metrics;

struct OrderLog {
    metrics: LogMetrics,
}

impl OrderLog {
    #[metrics(errors = write_errors, errors_by = |_| 7_u8)]
    fn append(&self) -> std::io::Result<()> {
        Ok(())
    }
}

fn main() {}
