// Expected: one error, on the family: `errors_by` returns a `u8`, which is not the label of the family.

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
