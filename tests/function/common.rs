//! The metrics and the error type that functions in `drop_order.rs`, `futures.rs` and `sync.rs` use.

use papyra_metrics::{Counter, Gauge, Metrics};

#[derive(Debug, Default, Metrics)]
pub(crate) struct LogMetrics {
    #[metrics(errors)]
    pub(crate) write_errors: Counter,
    pub(crate) written: Counter,
    pub(crate) calls: Counter,
    pub(crate) in_flight: Gauge,
}

impl LogMetrics {
    /// Returns the numbers of errors, successes, calls, and calls in flight.
    pub(crate) fn read(&self) -> (u64, u64, u64, i64) {
        (self.write_errors.get(), self.written.get(), self.calls.get(), self.in_flight.get())
    }
}

#[derive(Debug, PartialEq)]
pub(crate) struct Failed;

impl From<std::num::ParseIntError> for Failed {
    fn from(_: std::num::ParseIntError) -> Self {
        Self
    }
}

pub(crate) type Fallible<T = ()> = Result<T, Failed>;
