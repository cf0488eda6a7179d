// Expected: one error, on the counter, which is not a family.

#[path = "common/errors_by.rs"]
mod common;

use common::{LogMetrics, kind};
use papyra_metrics::metrics;

struct OrderLog {
    metrics: LogMetrics,
}

impl OrderLog {
    #[metrics(errors = read_errors, errors_by = kind)]
    fn append(&self) -> std::io::Result<()> {
        Ok(())
    }
}

fn main() {}
