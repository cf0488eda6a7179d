// Expected: one error, on the family. The message shows two ways to convert the error to a label of the family.

#[path = "common/errors_by.rs"]
mod common;

use common::LogMetrics;
use papyra_metrics::metrics;

struct OrderLog {
    metrics: LogMetrics,
}

impl OrderLog {
    #[metrics(errors = write_errors)]
    fn append(&self) -> std::io::Result<()> {
        Ok(())
    }
}

fn main() {}
