//! A user-defined instrument: the age of the last successful operation.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use papyra_metrics::{Counter, GaugeInteger, Instrument, Kind, Metrics, Value};

/// An instrument that reads the milliseconds since the last success, or since the start if nothing has succeeded yet.
#[derive(Debug)]
struct Age {
    start: Instant,
    /// The time of the last success, in milliseconds after the start.
    last: AtomicU64,
}

impl Age {
    fn millis_since_start(&self) -> u64 {
        self.start.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
    }

    fn succeeded(&self) {
        self.last.store(self.millis_since_start(), Ordering::Relaxed);
    }
}

impl Default for Age {
    fn default() -> Self {
        Self { start: Instant::now(), last: AtomicU64::new(0) }
    }
}

impl Instrument for Age {
    const KIND: Kind = Kind::Gauge;

    fn value(&self) -> Value {
        let age = self.millis_since_start().saturating_sub(self.last.load(Ordering::Relaxed));
        Value::Gauge(age.into_gauge())
    }

    // A reset does not change a gauge.
    fn reset(&self) {}

    fn take(&self) -> Value {
        self.value()
    }
}

#[derive(Debug, Default, Metrics)]
struct BackupMetrics {
    /// Backups completed.
    completed: Counter,
    /// Milliseconds since the last completed backup, or since the start if there was none.
    last_completed_millis: Age,
}

fn main() {
    let metrics = BackupMetrics::default();
    thread::sleep(Duration::from_millis(30));
    println!("no backup yet:\n{}\n", metrics.snapshot());
    metrics.completed.inc();
    metrics.last_completed_millis.succeeded();
    println!("after a backup:\n{}", metrics.snapshot());
}
