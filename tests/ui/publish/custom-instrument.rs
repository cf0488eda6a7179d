// Expected: one error, which names the custom instrument: such a type could contain anything, for example a pointer.

use papyra_metrics::{Instrument, Kind, Metrics, Value, publish::Published};

#[derive(Default)]
struct Peak(std::cell::Cell<i64>);

impl Instrument for Peak {
    const KIND: Kind = Kind::Gauge;
    fn value(&self) -> Value { Value::Gauge(self.0.get()) }
    fn reset(&self) { self.0.set(0) }
    fn take(&self) -> Value { Value::Gauge(self.0.take()) }
}

#[derive(Default, Metrics)]
struct QueueMetrics {
    longest: Peak,
}

fn main() {
    let _ = Published::<QueueMetrics>::create("queue.metrics");
}
