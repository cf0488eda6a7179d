// Expected: one error, on the key.

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
    #[metrics(at = self.stats)]
    fn append(&self) -> Result<(), ()> {
        Err(())
    }
}

fn main() {}
