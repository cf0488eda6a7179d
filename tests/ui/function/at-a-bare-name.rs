// Expected: one error, on `stats`; the message proposes `self.stats.own`.

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
    #[metrics(at = stats.own, errors)]
    fn append(&self) -> Result<(), ()> {
        Err(())
    }
}

fn main() {}
