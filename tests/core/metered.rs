//! Metrics behind pointers and trait objects, hand-written metrics, and absent metrics.

use std::cell::Cell;
use std::sync::Arc;

use papyra_metrics::{Counter, Descriptor, Metered, Metrics, Value, Walker};

#[derive(Default, Metrics)]
struct LogMetrics {
    writes: Counter,
}

#[test]
fn a_backend_opts_out_with_an_empty_impl() {
    struct NullStore;
    impl Metered for NullStore {}
    assert!(NullStore.metrics().is_none());
}

#[test]
fn a_backend_shows_its_metrics_as_an_object() {
    struct Store(LogMetrics);
    impl Metered for Store {
        fn metrics(&self) -> Option<&dyn Metrics> {
            Some(&self.0)
        }
    }
    let store: Box<dyn Metered> = Box::new(Store(LogMetrics::default()));
    assert_eq!(store.metrics().unwrap().snapshot()["writes"], 0);
}

#[test]
fn pointers_and_options_of_metrics_are_metrics() {
    fn drain(metrics: impl Metrics) -> String {
        metrics.drain().to_string()
    }
    let metrics = Arc::new(LogMetrics::default());
    metrics.writes.add(3);
    assert_eq!(drain(Arc::clone(&metrics)), "writes: 3");
    assert_eq!(drain(&*metrics), "writes: 0");
    assert_eq!(metrics.totals()["writes"], 3);
    assert_eq!(drain(Box::new(LogMetrics::default()) as Box<dyn Metrics>), "writes: 0");
    assert_eq!(drain(Some(&metrics)), "writes: 0");
    assert_eq!(drain(None::<LogMetrics>), "");
    assert!(None::<LogMetrics>.descriptors().is_empty());
}

/// Metrics without an instrument: `walk` computes a value and passes it to the walker.
struct Queue {
    waiting: Cell<i64>,
}

const WAITING: Descriptor = Descriptor::gauge("waiting").with_help("Items.").with_unit("items");

impl Metrics for Queue {
    fn descriptors(&self) -> &[Descriptor] {
        const { &[WAITING] }
    }

    fn walk(&self, walker: &mut dyn Walker) {
        walker.instrument(&Value::Gauge(self.waiting.get()));
    }
}

#[test]
fn hand_written_metrics_are_used_like_derived_metrics() {
    let queue = Queue { waiting: Cell::new(4) };
    let object: &dyn Metrics = &queue;
    assert_eq!(object.snapshot().to_string(), "waiting: 4");
    assert_eq!(object.drain(), object.totals());
    assert_eq!(object.descriptors()[0].unit(), Some("items"));
}

#[test]
#[should_panic = "a metric's name must match [a-zA-Z_][a-zA-Z0-9_]*"]
fn a_descriptor_rejects_an_invalid_name() {
    let _ = Descriptor::counter("no spaces");
}
