// Expected: one error, at `papyra`.

use papyra_metrics::{Counter, Gauge, Metrics, metrics};

#[derive(Metrics)]
struct LogMetrics {
    writes: Counter,
    #[metrics(errors)]
    write_errors: Counter,
    open: Gauge,
}

struct Log {
    metrics: LogMetrics,
}

impl Log {
    #[metrics(errors, ok = writes, in_flight = open, crate = papyra)]
    fn write(&self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
