// Expected: one error, on `at`.

use papyra_metrics::{Counter, Metrics, metrics};

#[derive(Default, Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    write_errors: Counter,
}

struct Log {
    stats: LogMetrics,
}

impl Log {
    #[metrics(at = self.stats, errors = self.stats.write_errors)]
    fn append(&self) -> Result<(), ()> {
        Err(())
    }
}

fn main() {}
