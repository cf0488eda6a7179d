// Expected: one error: the label and the error are named, and the two ways to a label.

use papyra_metrics::{Counter, Family, Label, Metrics, metrics};

#[derive(Clone, Copy, Label)]
enum ErrorKind {
    Full,
    Other,
}

#[derive(Default, Metrics)]
struct LogMetrics {
    /// By kind.
    write_errors: Family<ErrorKind, Counter>,
    read_errors: Counter,
}

#[derive(Default)]
struct OrderLog {
    metrics: LogMetrics,
}

impl OrderLog {
    #[metrics(errors = write_errors)]
    fn append(&self, record: &str) -> std::io::Result<usize> {
        std::fs::read(record)?;
        Ok(record.len())
    }
}

fn kind(_: &std::io::Error) -> ErrorKind {
    ErrorKind::Other
}

fn main() {
    let _ = (OrderLog::default().append(""), ErrorKind::Full, kind as fn(&_) -> _);
}
