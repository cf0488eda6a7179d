// Expected: one error, on the index, which has one label. The index of a family of sharded counters must have all labels.

use papyra_metrics::{Family, IoErrorKind, Label, Metrics, ShardedCounter, metrics};

#[derive(Clone, Copy, Label)]
enum Op {
    Get,
    Put,
}

#[derive(Default, Metrics)]
struct LogMetrics {
    errors: Family<(Op, IoErrorKind), ShardedCounter>,
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
    let _ = (OrderLog::default().append(""), Op::Get);
}
