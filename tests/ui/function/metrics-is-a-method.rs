// Expected: one error, on `errors`. Its note shows the name of a macro, and the name says to use `at`.

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
