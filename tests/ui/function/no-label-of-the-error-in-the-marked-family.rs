// Expected: one error, on the attribute. The message shows two ways to convert the error to a label of the family.

#[path = "common/errors_by.rs"]
mod common;

use common::ErrorKind;
use papyra_metrics::{Counter, Family, Metrics, metrics};

#[derive(Default, Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    write_errors: Family<ErrorKind, Counter>,
}

struct OrderLog {
    metrics: LogMetrics,
}

impl OrderLog {
    #[metrics(errors)]
    fn append(&self) -> std::io::Result<()> {
        Ok(())
    }
}

fn main() {}
