//! Snapshots: lookups, order, conversion into maps, differences, and the values of a snapshot.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use papyra_metrics::{Counter, Descriptor, Gauge, Metrics, Snapshot, Value, Walker};

fn snapshot(pairs: &[(&str, Value)]) -> Snapshot {
    pairs.iter().cloned().collect()
}

fn sample() -> Snapshot {
    snapshot(&[("writes", Value::Counter(2)), ("open", Value::Gauge(-1)), ("b", Value::Counter(0))])
}

#[test]
fn values_are_found_by_name_and_compare_with_literals() {
    let sample = sample();
    assert_eq!(sample.get("open"), Some(&Value::Gauge(-1)));
    assert_eq!(sample.get("ope"), None);
    assert_eq!(sample["writes"], 2);
    assert_eq!(2, sample["writes"]);
    assert_eq!(sample["open"], -1);
    assert_ne!(sample["open"], u64::MAX);
    assert_eq!(sample["writes"], 2_u8);
    assert_eq!(2_i128, sample["writes"]);
    assert_eq!((sample.len(), sample.is_empty()), (3, false));
    assert!(Snapshot::default().is_empty());
}

#[test]
#[should_panic = "no metric is named `reads`; the snapshot has: writes, open, b"]
fn a_missing_name_panics_with_the_names_that_exist() {
    let _ = &sample()["reads"];
}

#[test]
fn order_is_kept_everywhere() {
    let sample = sample();
    let names: Vec<_> = sample.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["writes", "open", "b"]);
    assert_eq!(sample.iter().next_back(), Some(("b", &Value::Counter(0))));
    assert_eq!(sample.to_string(), "writes: 2\nopen: -1\nb: 0");
    assert_eq!(
        format!("{sample:?}"),
        r#"{"writes": Counter(2), "open": Gauge(-1), "b": Counter(0)}"#
    );
    let mut seen = Vec::new();
    for (name, value) in &sample {
        seen.push((name.to_owned(), value.clone()));
    }
    assert_eq!(sample.clone().into_iter().collect::<Vec<_>>(), seen);
    assert_eq!(seen.into_iter().collect::<Snapshot>(), sample);
}

#[test]
fn the_later_of_two_values_with_one_name_replaces_the_earlier_in_its_position() {
    let twice =
        snapshot(&[("a", Value::Counter(1)), ("b", Value::Counter(2)), ("a", Value::Counter(3))]);
    assert_eq!(twice.to_string(), "a: 3\nb: 2");
}

#[test]
fn a_snapshot_becomes_other_maps() {
    let sorted = BTreeMap::from(sample());
    assert_eq!(sorted.keys().collect::<Vec<_>>(), ["b", "open", "writes"]);
    let hashed: HashMap<String, Value> = sample().into();
    assert_eq!(hashed["open"], -1);
}

#[test]
fn since_returns_the_increase_of_counters_and_the_value_of_gauges() {
    let earlier = snapshot(&[
        ("grown", Value::Counter(10)),
        ("reset", Value::Counter(10)),
        ("level", Value::Gauge(9)),
        ("gone", Value::Counter(1)),
    ]);
    let later = snapshot(&[
        ("new", Value::Counter(7)),
        ("level", Value::Gauge(-3)),
        ("reset", Value::Counter(4)),
        ("grown", Value::Counter(15)),
    ]);
    assert_eq!(later.since(&earlier).to_string(), "new: 7\nlevel: -3\nreset: 4\ngrown: 5");
}

#[test]
fn since_uses_the_kind_of_the_later_value() {
    let level = snapshot(&[("x", Value::Gauge(3))]);
    let count = snapshot(&[("x", Value::Counter(5))]);
    assert_eq!(count.since(&level)["x"], 2);
    assert_eq!(level.since(&count)["x"], 3);
    let negative = snapshot(&[("x", Value::Gauge(-3))]);
    assert_eq!(count.since(&negative)["x"], 5);
}

#[test]
fn values_convert_without_ever_wrapping() {
    assert_eq!(Value::Counter(u64::MAX).as_i64(), None);
    assert_eq!(Value::Counter(u64::MAX).as_u64(), Some(u64::MAX));
    assert_eq!((Value::Gauge(-1).as_u64(), Value::Gauge(-1).as_i64()), (None, Some(-1)));
    assert!((Value::Gauge(-2).as_f64() + 2.0).abs() < f64::EPSILON);
}

#[test]
fn values_with_equal_numbers_are_equal() {
    assert_eq!(Value::Counter(3), Value::Gauge(3));
    assert_ne!(Value::Counter(u64::MAX), Value::Gauge(-1));
    assert_ne!(Value::Gauge(-1), u128::MAX);
    assert_eq!(format!("[{:>4}]", Value::Gauge(-1)), "[  -1]");
}

#[derive(Default, Metrics)]
struct Mixed {
    writes: Counter,
    reads: papyra_metrics::Counter, // the same type, spelled in another way
    open: Gauge,
    scans: Counter,
    old: AtomicU64,
    older: AtomicU64,
    #[metrics(flatten, prefix = "cache_")]
    cache: Option<Cache>,
    level: AtomicI64,
    shared: Arc<Gauge>,
}

#[derive(Default, Metrics)]
struct Cache {
    hits: Counter,
    misses: Counter,
}

fn mixed() -> Mixed {
    let mixed = Mixed::default();
    mixed.writes.add(1);
    mixed.reads.add(2);
    mixed.open.set(3);
    mixed.scans.add(4);
    mixed.old.store(5, Ordering::Relaxed);
    mixed.older.store(6, Ordering::Relaxed);
    mixed.level.store(7, Ordering::Relaxed);
    mixed.shared.set(8);
    mixed
}

#[test]
fn instruments_of_several_types_read_in_declaration_order() {
    let mut mixed = mixed();
    let expected = "writes: 1\nreads: 2\nopen: 3\nscans: 4\nold: 5\nolder: 6\nlevel: 7\nshared: 8";
    assert_eq!(mixed.snapshot().to_string(), expected);
    let mut visited = Vec::new();
    mixed.visit(&mut |metric, value| visited.push(format!("{}: {value}", metric.name())));
    assert_eq!(visited.join("\n"), expected);

    mixed.cache = Some(Cache::default());
    mixed.cache.as_ref().unwrap().misses.inc();
    let names: Vec<String> = mixed.drain().into_iter().map(|(name, _)| name).collect();
    let known: Vec<&str> = mixed.descriptors().iter().map(Descriptor::name).collect();
    assert_eq!(names, known);
    assert_eq!(mixed.snapshot()["cache_misses"], 0);
    assert_eq!(mixed.snapshot()["shared"], 8);
    assert_eq!(mixed.totals()["cache_misses"], 1);
}

/// A wrapper without static descriptors, like most hand-written metrics.
struct ByHand(Mixed);

impl Metrics for ByHand {
    fn descriptors(&self) -> &[Descriptor] {
        self.0.descriptors()
    }
    fn walk(&self, walker: &mut dyn Walker) {
        self.0.walk(walker);
    }
}

#[test]
fn absent_metrics_are_in_no_view_of_a_snapshot() {
    let by_hand = ByHand(mixed()).snapshot();
    let snapshot = mixed().snapshot();
    assert_eq!((snapshot.len(), snapshot.get("cache_hits")), (8, None));
    assert_eq!(snapshot, by_hand);
    assert_eq!(snapshot.iter().len(), 8);
    let backwards: Vec<_> = snapshot.iter().rev().map(|(name, _)| name).collect();
    assert_eq!(backwards, ["shared", "level", "older", "old", "scans", "open", "reads", "writes"]);
    let owned: Vec<_> = snapshot.clone().into_iter().rev().map(|(name, _)| name).collect();
    assert_eq!(owned, backwards);
    let mut both = snapshot.clone().into_iter();
    assert_eq!(both.next(), Some(("writes".to_owned(), Value::Counter(1))));
    assert_eq!(both.next_back(), Some(("shared".to_owned(), Value::Gauge(8))));
    assert_eq!(both.len(), 6);
    assert_eq!(snapshot.clone().into_iter().collect::<Snapshot>(), snapshot);
    assert_eq!(snapshot.since(&by_hand), by_hand.since(&snapshot));
    assert_eq!(snapshot.since(&by_hand)["reads"], 0);
}
