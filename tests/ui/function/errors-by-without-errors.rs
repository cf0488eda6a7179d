// Expected: one error, on `errors_by`: it needs `errors`.

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
    #[metrics(calls = read_errors, errors_by = kind)]
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
