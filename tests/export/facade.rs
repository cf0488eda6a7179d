//! The `metrics` facade: values arrive in its Prometheus exporter, and in any other recorder.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use metrics_exporter_prometheus::PrometheusBuilder;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use papyra_metrics::{Counter, Gauge, Metrics};
use papyra_metrics_export::metrics::Facade;
use papyra_metrics_export::{Export, Registry};

#[derive(Default, Metrics)]
struct LogMetrics {
    /// Records appended.
    records_written: Counter,
    #[metrics(unit = "bytes")]
    bytes_written: Counter,
    compactions: AtomicU64,
    open_segments: Gauge,
}

fn open(registry: &Registry, name: &str) -> Arc<LogMetrics> {
    let metrics = Arc::new(LogMetrics::default());
    registry.register(metrics.clone(), &[("backend", name)]).unwrap();
    metrics
}

/// The samples of a text exposition, and its help.
fn samples(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.lines().filter(|line| !line.starts_with("# TYPE"));
    lines.filter_map(|line| line.rsplit_once(' ')).collect()
}

#[test]
fn the_facades_prometheus_exporter_ends_with_our_totals() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let exporter = recorder.handle();
    let registry = Registry::with_prefix("papyra").unwrap();
    let mut facade = Facade::with_recorder(&registry, recorder);
    for n in 1..=4 {
        let orders = open(&registry, "orders");
        facade.export().unwrap();
        orders.records_written.add(10);
        orders.bytes_written.add(n);
        orders.compactions.fetch_add(10 - n, Relaxed);
        orders.open_segments.set(-7);
        facade.export().unwrap();
        orders.reset();
        orders.records_written.add(1);
        facade.export().unwrap();
        // Half of the time the last counts wait until the backend is open again.
        drop(orders);
        if n % 2 == 0 {
            facade.export().unwrap();
            facade.export().unwrap();
        }
    }
    let text = exporter.render();
    assert_eq!(
        samples(&text),
        BTreeMap::from([
            ("# HELP papyra_records_written_total Records", "appended."),
            ("papyra_records_written_total{backend=\"orders\"}", "44"),
            ("papyra_written_bytes_total{backend=\"orders\"}", "10"),
            ("papyra_compactions_total{backend=\"orders\"}", "30"),
            ("papyra_open_segments{backend=\"orders\"}", "-7"),
            ("# HELP papyra_written_bytes_total", ""),
            ("# HELP papyra_compactions_total", ""),
            ("# HELP papyra_open_segments", ""),
        ]),
        "{text}"
    );
}

#[test]
fn the_recorder_of_the_thread_is_told_values_labels_units_and_help() {
    let recorder = DebuggingRecorder::new();
    let told = recorder.snapshotter();
    let registry = Registry::new();
    let orders = open(&registry, "orders");
    orders.bytes_written.add(5);
    orders.open_segments.set(3);
    let mut facade = Facade::new(&registry);
    metrics::with_local_recorder(&recorder, || {
        facade.export().unwrap();
        orders.bytes_written.add(2);
        facade.export().unwrap();
    });
    let told = told.snapshot().into_vec().into_iter().map(|(key, unit, help, value)| {
        let key = key.key();
        let labels: Vec<_> =
            key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let value = match value {
            DebugValue::Counter(n) => n.to_string(),
            DebugValue::Gauge(level) => level.to_string(),
            DebugValue::Histogram(_) => "a histogram".to_owned(),
        };
        let unit = unit.map_or("none", |unit| unit.as_str());
        let help = help.unwrap_or_default();
        format!("{} {} {value} {unit} {help}", key.name(), labels.join(","))
    });
    let mut told: Vec<_> = told.collect();
    told.sort();
    assert_eq!(
        told,
        [
            "compactions_total backend=orders 0 none ",
            "open_segments backend=orders 3 none ",
            "records_written_total backend=orders 0 none Records appended.",
            "written_bytes_total backend=orders 7 bytes ",
        ]
    );
}

#[test]
fn an_exporter_that_starts_now_exports_what_is_counted_later_and_every_counter() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let registry = Registry::new();
    let (orders, closed) = (open(&registry, "orders"), open(&registry, "closed"));
    orders.bytes_written.add(1000);
    orders.open_segments.set(3);
    closed.records_written.add(1000);
    drop(closed);
    let mut facade = Facade::with_recorder(&registry, recorder).starting_now();
    orders.bytes_written.add(2);
    // A backend of the same labels continues the series of the closed one.
    let reopened = open(&registry, "closed");
    reopened.records_written.add(5);
    let later = open(&registry, "later");
    later.records_written.add(7);
    facade.export().unwrap();
    let mut shown = BTreeMap::new();
    for (key, unit, help, value) in snapshotter.snapshot().into_vec() {
        let backend = key.key().labels().next().unwrap().value().to_owned();
        let unit = unit.map_or("", |unit| unit.as_str());
        let help = help.unwrap_or_default().to_string();
        shown.insert((backend, key.key().name().to_owned()), (value, unit, help));
    }
    let counter = |backend: &str, name: &str, count, unit, help: &str| {
        let value = &shown[&(backend.to_owned(), name.to_owned())];
        assert_eq!(*value, (DebugValue::Counter(count), unit, help.to_owned()), "{name}");
    };
    counter("orders", "written_bytes_total", 2, "bytes", "");
    counter("orders", "records_written_total", 0, "", "Records appended.");
    counter("closed", "records_written_total", 5, "", "Records appended.");
    counter("later", "records_written_total", 7, "", "Records appended.");
    let gauge = &shown[&("orders".to_owned(), "open_segments".to_owned())];
    assert_eq!(gauge.0, DebugValue::Gauge(3.0.into()));
}

#[test]
fn without_a_recorder_nothing_happens() {
    let registry = Registry::new();
    let orders = open(&registry, "orders");
    orders.records_written.inc();
    Facade::new(&registry).export().unwrap();
}
