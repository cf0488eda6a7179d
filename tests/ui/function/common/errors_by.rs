//! The metrics and the label type that the cases about errors by kind use.

use papyra_metrics::{Counter, Family, Label, Metrics};

#[derive(Clone, Copy, Label)]
pub enum ErrorKind {
    Full,
    Other,
}

#[derive(Default, Metrics)]
pub struct LogMetrics {
    pub write_errors: Family<ErrorKind, Counter>,
    pub read_errors: Counter,
}

pub fn kind(_: &std::io::Error) -> ErrorKind {
    ErrorKind::Other
}
