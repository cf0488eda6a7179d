//! Registers backends and exports them as text.

use std::sync::Arc;

use papyra_metrics_export::Registry;
use papyra_metrics_export::prometheus::{Format, Prometheus};

use super::backends::Backend;

/// Registered backends and their text.
pub(crate) struct Exported<B> {
    pub(crate) backends: Vec<Arc<B>>,
    prometheus: Prometheus,
    pub(crate) text: String,
    /// The memory of the registry and the exporter in bytes, without the metrics and the text.
    pub(crate) bytes: usize,
}

impl<B: Backend> Exported<B> {
    pub(crate) fn new(backends: usize) -> Self {
        let backends: Vec<Arc<B>> = (0..backends).map(|_| Arc::default()).collect();
        let mut exported = None;
        let held = allocation_counter::measure(|| exported = Some(Self::register(backends)));
        let mut exported = exported.expect("the closure has run");
        let held = usize::try_from(held.bytes_current).expect("more is allocated than freed");
        exported.bytes = held - exported.text.capacity();
        exported
    }

    fn register(backends: Vec<Arc<B>>) -> Self {
        let registry = Registry::with_prefix("papyra").expect("a prefix");
        for (i, metrics) in (0_u64..).zip(&backends) {
            metrics.count(i);
            let labels = [("backend", &*format!("backend-{i}"))];
            registry.register(Arc::clone(metrics), &labels).expect("the labels differ");
        }
        let prometheus = Prometheus::new(&registry);
        let mut exported = Self { backends, prometheus, text: String::new(), bytes: 0 };
        exported.scrape();
        exported
    }

    pub(crate) fn scrape(&mut self) {
        self.text.clear();
        self.prometheus.encode(Format::Text, &mut self.text);
    }
}
