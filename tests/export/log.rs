//! The metrics that the tests of most exporters use, and a function that registers them.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use papyra_metrics::{Counter, Gauge, Metrics};
use papyra_metrics_export::Registry;

#[derive(Default, Metrics)]
pub(crate) struct LogMetrics {
    /// Records appended.
    pub(crate) records_written: Counter,
    #[metrics(unit = "bytes")]
    pub(crate) bytes_written: Counter,
    pub(crate) compactions: AtomicU64,
    pub(crate) open_segments: Gauge,
}

/// Registers new metrics, whose label `backend` has the value `name`.
pub(crate) fn open(registry: &Registry, name: &str) -> Arc<LogMetrics> {
    let metrics = Arc::new(LogMetrics::default());
    registry.register(metrics.clone(), &[("backend", name)]).unwrap();
    metrics
}
