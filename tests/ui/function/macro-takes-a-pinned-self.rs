// Expected: one error, which says to bind `self` before the macro.

use std::pin::Pin;
use std::task::{Poll, ready};

use papyra_metrics::{Counter, Metrics, metrics};

#[derive(Default, Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    write_errors: Counter,
}

struct Log {
    metrics: LogMetrics,
}

impl Log {
    fn poll_one(self: Pin<&mut Self>) -> Poll<u8> {
        Poll::Ready(1)
    }

    #[metrics(errors)]
    fn poll(self: Pin<&mut Self>) -> Poll<Result<u8, ()>> {
        let one = ready!(self.poll_one());
        Poll::Ready(Ok(one))
    }
}

fn main() {}
