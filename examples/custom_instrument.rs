//! A user-defined instrument: the highest level since the last reset.

use std::sync::atomic::{AtomicI64, Ordering};

use papyra_metrics::{Counter, Instrument, Kind, Metrics, Value};

/// The highest level seen since the last reset.
#[derive(Debug, Default)]
struct Peak(AtomicI64);

impl Peak {
    fn record(&self, level: i64) {
        self.0.fetch_max(level, Ordering::Relaxed);
    }
}

impl Instrument for Peak {
    const KIND: Kind = Kind::Gauge;

    fn value(&self) -> Value {
        Value::Gauge(self.0.load(Ordering::Relaxed))
    }

    fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    fn take(&self) -> Value {
        Value::Gauge(self.0.swap(0, Ordering::Relaxed))
    }
}

#[derive(Debug, Default, Metrics)]
struct QueueMetrics {
    /// Items pushed.
    pushed: Counter,
    /// The largest number of items that waited at once.
    longest: Peak,
}

fn main() {
    let metrics = QueueMetrics::default();
    for waiting in [1, 2, 3, 2, 1] {
        metrics.pushed.inc();
        metrics.longest.record(waiting);
    }
    println!("after five pushes:\n{}\n", metrics.snapshot());
    metrics.reset();
    println!("after a reset:\n{}", metrics.snapshot());
}
