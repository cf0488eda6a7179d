// Expected: one error, on the family. It names the label and the error, and shows both ways to convert the error.

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
