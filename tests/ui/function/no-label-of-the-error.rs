// Expected: one error: the label and the error are named, and the two ways to a label.

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
