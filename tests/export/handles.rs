//! Tests who owns registered metrics, how metrics are registered repeatedly, and the labels and filters of registry
//! handles.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use papyra_metrics::persistence::PersistenceMetrics;
use papyra_metrics::{Counter, Family, Histogram, IoErrorKind, Label, Metrics, Register};
use papyra_metrics_example_library::Store;
use papyra_metrics_export::prometheus::Prometheus;
use papyra_metrics_export::{RegisterError, Registry, RegistryReader};
use papyra_metrics_export_tests::number;

#[derive(Default, Metrics)]
struct LogMetrics {
    records_written: Counter,
}

/// Returns all values that the reader reads, by name and labels. For a histogram, the value is its count.
fn read(reader: &mut RegistryReader) -> BTreeMap<String, i64> {
    let samples = reader
        .read()
        .map(|sample| (format!("{}{}", sample.name(), sample.labels()), number(sample.value())));
    samples.collect()
}

fn map<const LEN: usize>(values: [(&str, i64); LEN]) -> BTreeMap<String, i64> {
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[test]
fn an_arc_that_nobody_else_holds_is_refused_and_the_error_names_the_alternatives() {
    let error = Registry::new().register(Arc::new(LogMetrics::default()), &[]).unwrap_err();
    assert_eq!(error, RegisterError::NotHeld);
    assert_eq!(
        error.to_string(),
        "no other clone of this `Arc` exists, so its metrics would be removed at once; keep a clone of it, or use \
         `register_owned` or `register_static`"
    );
}

#[test]
fn owned_metrics_are_read_until_their_guard_is_dropped() {
    #[derive(Metrics)]
    struct Wrapper {
        #[metrics(flatten, prefix = "log_")]
        log: Arc<LogMetrics>,
    }
    let registry = Registry::new();
    let log = Arc::new(LogMetrics::default());
    let labels = &[("backend", "orders")];
    let owned = registry.register_owned(Wrapper { log: log.clone() }, labels).unwrap();
    let mut reader = RegistryReader::new(&registry);
    for round in 1..=4 {
        owned.log.records_written.inc();
        let expected = map([("log_records_written{backend=\"orders\"}", round)]);
        assert_eq!(read(&mut reader), expected);
    }
    log.records_written.inc();
    drop(owned);
    assert_eq!(read(&mut reader), map([("log_records_written{backend=\"orders\"}", 5)]));
    assert_eq!(read(&mut reader), map([]));
    assert_eq!(Arc::strong_count(&log), 1);
}

#[test]
fn a_handle_adds_its_labels_to_all_metrics_registered_through_it() {
    let registry = Registry::new();
    let handle = registry.with_labels(&[("db", "a")]).with_labels(&[("zone", "eu"), ("empty", "")]);
    let (inside, outside) = (Arc::new(LogMetrics::default()), Arc::new(LogMetrics::default()));
    handle.register(inside.clone(), &[("shard", "7")]).unwrap();
    registry.register(outside.clone(), &[]).unwrap();
    assert_eq!(
        read(&mut RegistryReader::new(&registry)),
        map([("records_written{db=\"a\",shard=\"7\",zone=\"eu\"}", 0), ("records_written{}", 0)])
    );
    // `with_labels` accepts all labels. Invalid labels are refused when metrics are registered.
    let metrics = Arc::new(LogMetrics::default());
    let twice = handle.register(metrics.clone(), &[("db", "b")]).unwrap_err();
    assert_eq!(twice, RegisterError::DuplicateLabel { name: "db".to_owned() });
    let refused = registry.with_labels(&[("le", "1")]).register(metrics.clone(), &[]).unwrap_err();
    assert_eq!(refused, RegisterError::ReservedLabel { name: "le".to_owned() });
}

#[test]
fn a_filter_decides_which_metrics_are_exported() {
    let registry = Registry::new();
    let handle = registry.with_filter(|metric| metric.name().starts_with("scan_"));
    let (few, fewer, all) = (
        Arc::new(PersistenceMetrics::default()),
        Arc::new(PersistenceMetrics::default()),
        Arc::new(PersistenceMetrics::default()),
    );
    handle.register(few.clone(), &[("backend", "few")]).unwrap();
    let both = handle.with_filter(|metric| metric.name().ends_with("_runs"));
    both.register(fewer.clone(), &[("backend", "fewer")]).unwrap();
    registry.register(all.clone(), &[("backend", "all")]).unwrap();
    few.scan_runs.add(1);
    fewer.scan_runs.add(2);
    all.scan_runs.add(3);
    all.records_written.add(4);
    let values = read(&mut RegistryReader::new(&registry));
    let of_backend = |backend: &str| {
        let label = format!("{{backend=\"{backend}\"}}");
        let values =
            values.iter().filter_map(|(name, value)| Some((name.strip_suffix(&label)?, *value)));
        values.collect::<BTreeMap<_, _>>()
    };
    assert_eq!(of_backend("fewer"), BTreeMap::from([("scan_runs", 2)]));
    assert_eq!(of_backend("few")["scan_runs"], 1);
    assert!(of_backend("few").keys().all(|name| name.starts_with("scan_")));
    assert_eq!(of_backend("all").len(), all.descriptors().len());
    assert_eq!((of_backend("all")["scan_runs"], of_backend("all")["records_written"]), (3, 4));
    assert!(registry.problems().is_empty());
}

#[derive(Clone, Copy, Label)]
enum Op {
    Get,
    Put,
}

#[derive(Default, Metrics)]
struct StoreMetrics {
    requests: Family<Op, Counter>,
    errors: Family<IoErrorKind, Counter>,
    request: Family<Op, Histogram>,
}

#[test]
fn a_filter_leaves_out_members_of_families_in_every_format() {
    let registry = Registry::new();
    let puts = registry.with_filter(|metric| metric.labels().all(|label| label == ("op", "put")));
    let stores: Vec<_> = (0..2).map(|_| Arc::new(StoreMetrics::default())).collect();
    for (store, name) in stores.iter().zip(["a", "b"]) {
        // The metric `errors` also has a label `error_kind`. This is not a conflict, because the filter leaves out
        // `errors`.
        puts.register(store.clone(), &[("error_kind", name)]).unwrap();
        store.requests[Op::Get].add(7);
        store.requests[Op::Put].add(3);
        store.errors[IoErrorKind::Other].inc();
        store.request[Op::Get].record(Duration::from_millis(1));
        store.request[Op::Put].record_n(Duration::from_millis(1), 2);
    }
    // A backend whose filter accepts other metrics of the same struct.
    let other = Arc::new(StoreMetrics::default());
    registry
        .with_filter(|metric| metric.name() == "requests")
        .register(other.clone(), &[("error_kind", "c")])
        .unwrap();
    other.requests[Op::Get].add(5);
    let mut expected = map([
        ("requests{error_kind=\"c\",op=\"get\"}", 5),
        ("requests{error_kind=\"c\",op=\"put\"}", 0),
    ]);
    for name in ["a", "b"] {
        expected.insert(format!("requests{{error_kind=\"{name}\",op=\"put\"}}"), 3);
        expected.insert(format!("request_seconds{{error_kind=\"{name}\",op=\"put\"}}"), 2);
    }
    assert_eq!(read(&mut RegistryReader::new(&registry)), expected);

    let text = Prometheus::new(&registry).scrape(None).body;
    let counters: Vec<_> = text.lines().filter(|line| line.starts_with("requests_total")).collect();
    assert_eq!(
        counters,
        [
            "requests_total{error_kind=\"a\",op=\"put\"} 3",
            "requests_total{error_kind=\"b\",op=\"put\"} 3",
            "requests_total{error_kind=\"c\",op=\"get\"} 5",
            "requests_total{error_kind=\"c\",op=\"put\"} 0",
        ]
    );
    assert!(!text.contains("errors") && !text.contains("request_seconds_count{error_kind=\"c\""));
    // Members that are left out still count. Their last values are not exported when the backends are dropped.
    assert_eq!(stores[0].snapshot()["requests{op=get}"], 7);
    let mut reader = RegistryReader::new(&registry);
    drop((stores, other));
    assert_eq!(read(&mut reader).len(), 6);
    assert!(read(&mut reader).is_empty());
    assert!(registry.problems().is_empty());
}

#[test]
fn a_library_without_an_exporter_is_used_twice_in_one_process() {
    let registry = Registry::with_prefix("app").unwrap();
    let store = |name| Store::new(Some(Arc::new(registry.with_labels(&[("store", name)]))));
    let (hot, cold) = (store("hot"), store("cold"));
    hot.table("orders").insert("1", "tea");
    hot.table("orders").insert("1", "coffee");
    cold.table("orders").insert("2", "milk");
    let mut reader = RegistryReader::new(&registry);
    let expected = map([
        ("app_rows_written{store=\"hot\",table=\"orders\"}", 2),
        ("app_rows{store=\"hot\",table=\"orders\"}", 1),
        ("app_rows_written{store=\"cold\",table=\"orders\"}", 1),
        ("app_rows{store=\"cold\",table=\"orders\"}", 1),
    ]);
    assert_eq!(read(&mut reader), expected);

    // Tables are opened and closed at run time.
    cold.close("orders");
    hot.table("users");
    assert_eq!(read(&mut reader).len(), 6);
    assert_eq!(read(&mut reader).len(), 4);
    cold.table("orders").insert("2", "milk");
    assert_eq!(read(&mut reader)["app_rows_written{store=\"cold\",table=\"orders\"}"], 2);
    assert!(registry.problems().is_empty());
    // The library also works without a registry.
    Store::new(None).table("orders").insert("1", "tea");
}

#[test]
fn registration_through_the_register_trait_returns_the_error_of_the_registry() {
    let registry = Registry::new();
    let metrics: Arc<LogMetrics> = Arc::default();
    let register: &dyn Register = &registry;
    let error = register.register(metrics.clone(), &[("back-end", "x")]).unwrap_err();
    assert_eq!(
        error.downcast_ref(),
        Some(&RegisterError::InvalidLabelName { name: "back-end".to_owned() })
    );
    register.register(metrics.clone(), &[("backend", "x")]).unwrap();
    assert!(registry.unregister(&metrics));
}

#[test]
fn the_same_metrics_registered_again_are_not_counted_again() {
    let registry = Registry::new();
    let labels: &[(&str, &str)] = &[("backend", "orders")];
    let log = Arc::new(LogMetrics::default());
    let mut reader = RegistryReader::new(&registry);
    let mut read = || read(&mut reader)["records_written{backend=\"orders\"}"];
    registry.register(log.clone(), labels).unwrap();
    log.records_written.add(10);
    assert_eq!(read(), 10);
    registry.unregister(&log);
    assert_eq!(read(), 10);
    registry.register(log.clone(), labels).unwrap();
    assert_eq!(read(), 10);

    // The total includes events that were counted while the metrics were not registered.
    registry.unregister(&log);
    log.records_written.add(1);
    registry.register(log.clone(), labels).unwrap();
    assert_eq!(read(), 11);

    // Between two registrations of `log`, other metrics may be registered with the same labels.
    registry.unregister(&log);
    for _ in 0..3 {
        let other = Arc::new(LogMetrics::default());
        other.records_written.add(100);
        registry.register(other.clone(), labels).unwrap();
        registry.unregister(&other);
    }
    log.records_written.add(2);
    registry.register(log.clone(), labels).unwrap();
    assert_eq!(read(), 313);
}

#[test]
fn a_closed_backend_is_remembered_within_the_limits_and_then_begins_at_zero() {
    let registry = Registry::new();
    registry.set_closed_retention(Duration::from_secs(3600), 2);
    let mut reader = RegistryReader::new(&registry);
    let mut count = |name: &str| {
        let metrics = Arc::new(LogMetrics::default());
        registry.register(metrics.clone(), &[("backend", name)]).unwrap();
        metrics.records_written.inc();
        read(&mut reader)[&format!("records_written{{backend=\"{name}\"}}")]
    };
    assert_eq!([count("a"), count("a"), count("b")], [1, 2, 1]);
    // The registry remembers two closed backends. When a third backend is closed, the one that was closed first is
    // forgotten.
    assert_eq!([count("c"), count("d")], [1, 1]);
    assert_eq!([count("a"), count("c"), count("d")], [1, 2, 2]);

    registry.set_closed_retention(Duration::ZERO, 1000);
    assert_eq!([count("e"), count("f"), count("e")], [1, 1, 1]);
}

#[test]
fn metrics_that_are_registered_again_after_they_were_forgotten_begin_at_zero() {
    #[derive(Default, Metrics)]
    struct Appends {
        records: Counter,
        append: Histogram,
    }

    let registry = Registry::new();
    registry.set_closed_retention(Duration::ZERO, 0);
    let (metrics, labels) = (Arc::new(Appends::default()), &[("backend", "orders")]);
    let record = |times: u64| {
        metrics.records.add(times);
        metrics.append.record_n(Duration::from_micros(3), times);
    };
    let mut reader = RegistryReader::new(&registry);
    let mut read = || read(&mut reader).into_values().collect::<Vec<_>>();
    registry.register(metrics.clone(), labels).unwrap();
    record(10);
    assert_eq!(read(), [10, 10]);
    for _ in 0..3 {
        assert!(registry.unregister(&metrics));
        // No reader has seen these two events, because they are counted while the metrics are not registered.
        record(2);
        registry.register(metrics.clone(), labels).unwrap();
        assert_eq!(read(), [2, 2]);
        record(3);
        assert_eq!(read(), [5, 5]);
    }
    // The earlier counts of `metrics` also stay forgotten if other metrics are registered with the same labels before
    // `metrics` is registered again. Each series then continues from the total of the other metrics.
    assert!(registry.unregister(&metrics));
    let other = Arc::new(Appends::default());
    registry.register(other.clone(), labels).unwrap();
    other.records.add(7);
    registry.set_closed_retention(Duration::from_secs(3600), 1);
    assert!(registry.unregister(&other));
    registry.register(metrics.clone(), labels).unwrap();
    record(1);
    assert_eq!(read(), [1, 8]);
}

#[test]
fn backends_that_are_closed_while_nobody_reads_are_released() {
    let registry = Registry::new();
    let metrics: Vec<_> = (0..1000)
        .map(|number| {
            let metrics = Arc::new(LogMetrics::default());
            let labels = [("request", &*number.to_string())];
            registry.register(metrics.clone(), &labels).unwrap();
            Arc::downgrade(&metrics)
        })
        .collect();
    let held = metrics.iter().filter(|metrics| metrics.strong_count() > 0).count();
    assert!(held < 100, "{held} are held");
}
