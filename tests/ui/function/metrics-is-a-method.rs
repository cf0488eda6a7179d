// Expected: one error, on `errors`. A note shows a macro whose name says to add `at`.

use papyra_metrics::{Counter, Metrics, metrics};

#[derive(Default, Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    write_errors: Counter,
}

struct Log {
    counts: LogMetrics,
}

impl Log {
    fn metrics(&self) -> &LogMetrics {
        &self.counts
    }

    #[metrics(errors)]
    fn append(&self) -> Result<(), ()> {
        Err(())
    }
}

fn main() {}
