// Expected: one error, on the family: the error cannot be converted to `Cause`, the label that the index leaves out.

use papyra_metrics::{Counter, Family, Label, Metrics, metrics};

#[derive(Clone, Copy, Label)]
enum Op {
    Get,
    Put,
}

#[derive(Clone, Copy, Label)]
enum Cause {
    Full,
    Other,
}

#[derive(Default, Metrics)]
struct LogMetrics {
    errors: Family<(Op, Cause), Counter>,
}

#[derive(Default)]
struct OrderLog {
    metrics: LogMetrics,
}

impl OrderLog {
    #[metrics(errors = errors[Op::Put])]
    fn append(&self, record: &str) -> std::io::Result<usize> {
        std::fs::read(record)?;
        Ok(record.len())
    }
}

fn main() {
    let _ = (OrderLog::default().append(""), Op::Get, Cause::Full, Cause::Other);
}
