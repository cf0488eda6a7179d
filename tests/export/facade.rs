//! Tests the `metrics` facade with `metrics-exporter-prometheus` and with other recorders.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics::{HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use papyra_metrics::{Distribution, Histogram, Latency, Metrics};
use papyra_metrics_export::metrics::Facade;
use papyra_metrics_export::{Export, Registry};

use crate::log::open;

/// Returns the samples and the help lines of a text exposition, split at their last spaces.
fn samples(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.lines().filter(|line| !line.starts_with("# TYPE"));
    lines.filter_map(|line| line.rsplit_once(' ')).collect()
}

#[test]
fn metrics_exporter_prometheus_has_the_exact_totals_over_resets_and_reopened_backends() {
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
        // In every other round, no export takes place between closing and reopening the backend.
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
fn the_recorder_of_the_thread_receives_values_labels_units_and_help() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
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
    let received = snapshotter.snapshot().into_vec().into_iter().map(|(key, unit, help, value)| {
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
    let mut received: Vec<_> = received.collect();
    received.sort();
    assert_eq!(
        received,
        [
            "compactions_total backend=orders 0 none ",
            "open_segments backend=orders 3 none ",
            "records_written_total backend=orders 0 none Records appended.",
            "written_bytes_total backend=orders 7 bytes ",
        ]
    );
}

#[test]
fn with_the_current_baseline_later_counts_are_exported_and_every_counter_is_registered() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let registry = Registry::new();
    let (orders, closed) = (open(&registry, "orders"), open(&registry, "closed"));
    orders.bytes_written.add(1000);
    orders.open_segments.set(3);
    closed.records_written.add(1000);
    drop(closed);
    let mut facade = Facade::with_recorder(&registry, recorder).with_current_baseline();
    orders.bytes_written.add(2);
    // This backend has the labels of the closed backend, so it continues the same series.
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
fn an_export_without_a_recorder_does_nothing() {
    let registry = Registry::new();
    let orders = open(&registry, "orders");
    orders.records_written.inc();
    Facade::new(&registry).export().unwrap();
}

#[derive(Default, Metrics)]
struct Latencies {
    /// How long an append takes.
    append: Histogram,
}

fn open_latencies(registry: &Registry) -> Arc<Latencies> {
    let metrics = Arc::new(Latencies::default());
    registry.register(metrics.clone(), &[("backend", "orders")]).unwrap();
    metrics
}

#[test]
fn metrics_exporter_prometheus_counts_each_bucket_exactly() {
    let bounds: Vec<_> =
        Distribution::<Latency>::new().erase().buckets().map(|it| it.upper()).collect();
    let bounds = &bounds[..bounds.len() - 1];
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full("append_seconds".to_owned()), bounds)
        .unwrap()
        .build_recorder();
    let exporter = recorder.handle();
    let registry = Registry::new();
    let mut facade = Facade::with_recorder(&registry, recorder);
    let (everything, mut nanos) = (Histogram::<Latency>::new(), 1_u64);
    for round in 0..6 {
        let orders = open_latencies(&registry);
        for _ in 0..50 {
            nanos = nanos.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let value = Duration::from_nanos(nanos >> (24 + nanos % 40));
            orders.append.record(value);
            everything.record(value);
        }
        if round % 2 == 0 {
            facade.export().unwrap();
            orders.reset();
        }
    }
    facade.export().unwrap();
    let text = exporter.render();
    let samples = samples(&text);
    let everything = everything.total().erase();
    let mut cumulative = 0;
    for bucket in everything.buckets() {
        cumulative += bucket.count();
        let le = match bucket.upper() {
            upper if upper.is_infinite() => "+Inf".to_owned(),
            upper => upper.to_string(),
        };
        let sample = format!("append_seconds_bucket{{backend=\"orders\",le=\"{le}\"}}");
        assert_eq!(samples.get(&*sample), Some(&&*cumulative.to_string()), "{sample} in {text}");
    }
    let sum: f64 = samples["append_seconds_sum{backend=\"orders\"}"].parse().unwrap();
    assert!((sum / everything.sum() - 1.0).abs() < 1e-12, "{sum} is not {}", everything.sum());
    assert!(text.contains("# HELP append_seconds How long an append takes."), "{text}");
    assert_eq!(registry.problems(), []);
}

/// A recorder that stores each call of a histogram: the value, and how many times it is recorded.
#[derive(Clone, Debug, Default)]
struct Calls(Arc<Mutex<Vec<(f64, usize)>>>);

impl HistogramFn for Calls {
    fn record(&self, value: f64) {
        self.record_many(value, 1);
    }

    fn record_many(&self, value: f64, count: usize) {
        self.0.lock().unwrap().push((value, count));
    }
}

impl Recorder for Calls {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        let described = (name.as_str(), unit, &*help);
        assert_eq!(described, ("append_seconds", Some(Unit::Seconds), "How long an append takes."));
    }
    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> metrics::Counter {
        metrics::Counter::noop()
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> metrics::Gauge {
        metrics::Gauge::noop()
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> metrics::Histogram {
        metrics::Histogram::from_arc(Arc::new(self.clone()))
    }
}

#[test]
fn the_recorder_receives_the_mean_of_the_new_values_of_each_bucket_once() {
    let (registry, calls) = (Registry::new(), Calls::default());
    let orders = open_latencies(&registry);
    orders.append.record_n(Duration::from_secs(5), 1000);
    let mut facade = Facade::with_recorder(&registry, calls.clone()).with_current_baseline();
    let mut export = || {
        facade.export().unwrap();
        std::mem::take(&mut *calls.0.lock().unwrap())
    };
    assert_eq!(export(), []);
    orders.append.record_n(Duration::from_millis(3), 500_000);
    orders.append.record_n(Duration::from_millis(4), 500_000);
    orders.append.record(Duration::from_nanos(1));
    assert_eq!(export(), [(1e-9, 1), (0.0035, 1_000_000)]);
    assert_eq!(export(), []);
}
