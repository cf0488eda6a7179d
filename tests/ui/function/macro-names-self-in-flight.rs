// Expected: one error, which says to bind `self` before the macro.

use papyra_metrics::{Counter, Gauge, Metrics, metrics};

#[derive(Default, Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    write_errors: Counter,
    in_flight: Gauge,
}

struct Log {
    records: Vec<u8>,
    metrics: LogMetrics,
}

impl Log {
    fn clear(&mut self) {
        self.records.clear();
    }

    #[metrics(errors, in_flight = in_flight)]
    fn append(&mut self) -> Result<(), ()> {
        assert!(self.records.len() < 10);
        self.clear();
        Err(())
    }
}

fn main() {}
