//! Readers and exporters that start at the present totals, as a child process uses them after a fork. These tests do
//! not fork: one process counts first as the parent, and then as the child.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{ResourceMetrics, metric};
use papyra_metrics::{Counter, Gauge, Histogram, Metrics};
use papyra_metrics_export::otlp::Otlp;
use papyra_metrics_export::{Registry, RegistryReader};
use papyra_metrics_export_tests::number;
use prost::Message;

use crate::opentelemetry::receiver::{Pipeline, Received};

#[derive(Default, Metrics)]
struct LogMetrics {
    records: Counter,
    open: Gauge,
    append: Histogram,
}

impl LogMetrics {
    fn count(&self, n: u64) {
        self.records.add(n);
        self.open.set(n);
        self.append.record_n(Duration::from_micros(n), n);
    }
}

fn open(registry: &Registry, name: &str) -> Arc<LogMetrics> {
    let metrics = Arc::new(LogMetrics::default());
    registry.register(metrics.clone(), &[("backend", name)]).unwrap();
    metrics
}

/// Counts in two backends, as a parent process does, and closes one of them. Returns the other backend.
fn parent(registry: &Registry) -> Arc<LogMetrics> {
    let orders = open(registry, "orders");
    orders.count(1000);
    open(registry, "closed").count(7);
    orders
}

/// Counts as a child process does. Returns the new backends.
fn child(registry: &Registry, orders: &LogMetrics) -> [Arc<LogMetrics>; 2] {
    orders.count(2);
    orders.reset();
    orders.count(3);
    let (later, reopened) = (open(registry, "later"), open(registry, "closed"));
    later.count(4);
    reopened.count(1);
    [later, reopened]
}

#[test]
fn a_reader_with_the_current_baseline_starts_at_the_present_totals() {
    let registry = Registry::new();
    let orders = parent(&registry);
    let mut reader = RegistryReader::new(&registry).with_current_baseline();
    let mut read = || -> BTreeMap<String, (i64, f64)> {
        let samples = reader.read().map(|sample| {
            let sum = sample.value().as_histogram().map_or(0.0, |it| it.sum() * 1e6);
            (format!("{}{}", sample.name(), sample.labels()), (number(sample.value()), sum.round()))
        });
        samples.collect()
    };
    let map = |values: &[(&str, (i64, f64))]| -> BTreeMap<String, (i64, f64)> {
        values.iter().map(|&(name, value)| (name.to_owned(), value)).collect()
    };
    // The last values of the closed backend are not returned, because the parent's readers get them.
    assert_eq!(
        read(),
        map(&[
            ("append_seconds{backend=\"orders\"}", (0, 0.0)),
            ("open{backend=\"orders\"}", (1000, 0.0)),
            ("records{backend=\"orders\"}", (0, 0.0)),
        ])
    );
    let _backends = child(&registry, &orders);
    let expected = map(&[
        ("append_seconds{backend=\"orders\"}", (5, 13.0)),
        ("open{backend=\"orders\"}", (3, 0.0)),
        ("records{backend=\"orders\"}", (5, 0.0)),
        ("append_seconds{backend=\"later\"}", (4, 16.0)),
        ("open{backend=\"later\"}", (4, 0.0)),
        ("records{backend=\"later\"}", (4, 0.0)),
        ("append_seconds{backend=\"closed\"}", (1, 1.0)),
        ("open{backend=\"closed\"}", (1, 0.0)),
        ("records{backend=\"closed\"}", (1, 0.0)),
    ]);
    assert_eq!(read(), expected);
    // The baseline does not affect other readers, and other readers do not change it.
    let mut other = RegistryReader::new(&registry);
    assert_eq!(other.read().map(|it| number(it.value())).max(), Some(1005));
    assert_eq!(read(), expected);
}

fn assert_has_only_the_counts_of_the_child(received: &Received) {
    let totals: Vec<_> = received.totals.iter().map(|(name, total)| (&**name, *total)).collect();
    assert_eq!(
        totals,
        [
            ("records backend=closed", 1),
            ("records backend=later", 4),
            ("records backend=orders", 5)
        ]
    );
    let counts: Vec<_> =
        received.histograms.values().map(|it| it.counts.iter().sum::<u64>()).collect();
    assert_eq!(counts, [1, 4, 5]);
}

#[test]
fn opentelemetry_with_the_current_baseline_exports_only_later_counts() {
    let registry = Registry::new();
    let orders = parent(&registry);
    let pipeline = Pipeline::start();
    let _exported = pipeline.observe(&registry).with_current_baseline();
    pipeline.collect();
    let _backends = child(&registry, &orders);
    assert_has_only_the_counts_of_the_child(&pipeline.collect());
    assert_has_only_the_counts_of_the_child(&pipeline.collect());
}

#[test]
fn otlp_with_the_current_baseline_exports_only_later_counts_and_starts_then() {
    let registry = Registry::new();
    let orders = parent(&registry);
    let mut otlp = Otlp::new(&registry);
    otlp.encode();
    let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let mut otlp = otlp.with_current_baseline();
    let _backends = child(&registry, &orders);
    let message = ExportMetricsServiceRequest::decode(&*otlp.encode()).unwrap();
    let scopes = message.resource_metrics.iter().flat_map(|it: &ResourceMetrics| &it.scope_metrics);
    for metric in scopes.flat_map(|scope| &scope.metrics) {
        if let Some(metric::Data::Sum(sum)) = &metric.data {
            let starts = sum.data_points.iter().map(|it| u128::from(it.start_time_unix_nano));
            assert!(starts.min() >= Some(began), "{metric:?}");
        }
    }
    let mut received = Received::default();
    received.take(message);
    assert_has_only_the_counts_of_the_child(&received);
}
