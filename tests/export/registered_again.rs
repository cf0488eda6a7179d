//! Tests metrics that are registered again, after other metrics have continued their series.

use std::collections::BTreeMap;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use papyra_metrics::{Counter, Descriptor, Histogram, Metrics, Value, Walker};
use papyra_metrics_export::{RegisterError, Registry, RegistryReader};
use papyra_metrics_export_tests::number;

#[derive(Default, Metrics)]
struct Reads {
    reads: Counter,
    read: Histogram,
}

impl Reads {
    fn count(&self, times: u64) {
        self.reads.add(times);
        self.read.record_n(Duration::from_micros(3), times);
    }
}

#[derive(Default, Metrics)]
struct Writes {
    writes: Counter,
}

#[derive(Default, Metrics)]
struct Both {
    reads: Counter,
    read: Histogram,
    writes: Counter,
}

/// Returns all values that a new reader reads, by name. For a histogram, the value is its count.
fn read(registry: &Registry) -> BTreeMap<String, i64> {
    let mut reader = RegistryReader::new(registry);
    reader.read().map(|sample| (sample.name().to_owned(), number(sample.value()))).collect()
}

fn map<const LEN: usize>(values: [(&str, i64); LEN]) -> BTreeMap<String, i64> {
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Registers and unregisters metrics of which one has the series of the two others.
struct Alternating {
    registry: Registry,
    reads: Arc<Reads>,
    writes: Arc<Writes>,
    both: Arc<Both>,
}

impl Alternating {
    fn new() -> Self {
        let (registry, reads, writes, both) = Default::default();
        Self { registry, reads, writes, both }
    }

    /// Registers the two parts, counts 10 reads, and unregisters the parts.
    fn count_in_parts(&self) {
        self.registry.register(self.reads.clone(), &[]).unwrap();
        self.registry.register(self.writes.clone(), &[]).unwrap();
        self.reads.count(10);
        assert!(self.registry.unregister(&self.reads));
        assert!(self.registry.unregister(&self.writes));
    }

    fn register_both(&self) {
        self.registry.register(self.both.clone(), &[]).unwrap();
        assert!(self.registry.unregister(&self.both));
    }
}

#[test]
fn series_that_were_parted_and_joined_count_nothing_twice() {
    let it = Alternating::new();
    for round in 1..5 {
        it.count_in_parts();
        it.register_both();
        it.registry.register(it.reads.clone(), &[]).unwrap();
        let reads = 10 * round;
        let expected = map([("reads", reads), ("read_seconds", reads), ("writes", 0)]);
        assert_eq!(read(&it.registry), expected);
        assert!(it.registry.unregister(&it.reads));
    }
}

#[test]
fn series_that_were_parted_and_joined_count_nothing_twice_after_they_were_forgotten() {
    let it = Alternating::new();
    for _ in 0..2 {
        it.count_in_parts();
        it.register_both();
    }
    it.registry.set_closed_retention(Duration::ZERO, 0);
    it.registry.register(it.reads.clone(), &[]).unwrap();
    assert_eq!(read(&it.registry), map([("reads", 0), ("read_seconds", 0)]));
}

#[test]
fn series_that_are_parted_and_joined_again_and_again_do_not_increase_memory() {
    let it = Alternating::new();
    // As long as these metrics exist, the registry remembers what they have counted.
    let earlier = Arc::new(Both::default());
    it.registry.register(earlier.clone(), &[]).unwrap();
    assert!(it.registry.unregister(&earlier));
    let work = || {
        it.count_in_parts();
        it.register_both();
        // A reading releases the memory of closed backends.
        read(&it.registry);
    };
    work();
    let kept = allocation_counter::measure(|| (0..8).for_each(|_| work())).bytes_current;
    assert_eq!(kept, 0, "bytes");
}

/// A counter. One of its readings waits until the test lets it end.
struct Blocking(Arc<Barrier>);

impl Blocking {
    fn new() -> (Arc<Self>, Arc<Barrier>) {
        let barrier = Arc::new(Barrier::new(2));
        (Arc::new(Self(Arc::clone(&barrier))), barrier)
    }
}

impl Metrics for Blocking {
    fn descriptors(&self) -> &[Descriptor] {
        const { &[Descriptor::counter("blocking")] }
    }

    fn walk(&self, walker: &mut dyn Walker) {
        if thread::current().name() == Some("blocked") {
            self.0.wait();
            self.0.wait();
        }
        walker.instrument(&Value::Counter(7));
    }
}

#[test]
fn metrics_that_were_closed_and_are_found_through_a_weak_reference_are_not_counted_again() {
    let registry = Registry::new();
    let reads = Arc::new(Reads::default());
    let (blocking, barrier) = Blocking::new();
    registry.register(reads.clone(), &[]).unwrap();
    registry.register(blocking.clone(), &[]).unwrap();
    reads.count(10);
    let blocked = thread::Builder::new().name("blocked".to_owned()).spawn({
        let registry = registry.clone();
        move || RegistryReader::new(&registry).read().count()
    });
    // The blocked reading keeps the metrics alive, although the next reading closes them.
    barrier.wait();
    let weak = Arc::downgrade(&reads);
    drop(reads);
    let values = map([("reads", 10), ("read_seconds", 10), ("blocking", 7)]);
    assert_eq!(read(&registry), values);
    let reads = weak.upgrade().unwrap();
    registry.register(reads.clone(), &[]).unwrap();
    assert_eq!(read(&registry), values);
    barrier.wait();
    blocked.unwrap().join().unwrap();
    drop(reads);
    assert_eq!(read(&registry), values);
    assert!(weak.upgrade().is_none());
}

#[test]
fn metrics_that_are_held_again_before_a_reading_closes_them_stay_registered() {
    let registry = Registry::new();
    let reads = Arc::new(Reads::default());
    let (blocking, barrier) = Blocking::new();
    registry.register(reads.clone(), &[]).unwrap();
    registry.register(blocking.clone(), &[]).unwrap();
    let weak = Arc::downgrade(&reads);
    drop(reads);
    let blocked = thread::Builder::new().name("blocked".to_owned()).spawn({
        let registry = registry.clone();
        move || RegistryReader::new(&registry).read().count()
    });
    // When the reading blocks, it has already found that only the registry holds the metrics.
    barrier.wait();
    let reads = weak.upgrade().unwrap();
    let error = registry.register(reads.clone(), &[]).unwrap_err();
    assert!(matches!(error, RegisterError::AlreadyRegistered { .. }), "{error}");
    barrier.wait();
    blocked.unwrap().join().unwrap();
    reads.count(10);
    assert_eq!(read(&registry), map([("reads", 10), ("read_seconds", 10), ("blocking", 7)]));
}

#[test]
fn metrics_that_are_held_again_keep_their_labels_although_a_registration_was_about_to_close_them() {
    let registry = Registry::new();
    let (earlier, barrier) = Blocking::new();
    registry.register(earlier.clone(), &[]).unwrap();
    let weak = Arc::downgrade(&earlier);
    drop(earlier);
    let (later, _) = Blocking::new();
    let blocked = thread::Builder::new().name("blocked".to_owned()).spawn({
        let (registry, later) = (registry.clone(), later.clone());
        move || registry.register(later, &[])
    });
    // The registration reads the earlier metrics before it closes them.
    barrier.wait();
    let _earlier = weak.upgrade().unwrap();
    barrier.wait();
    let error = blocked.unwrap().join().unwrap().unwrap_err();
    assert!(matches!(error, RegisterError::DuplicateSeries { .. }), "{error}");
    assert_eq!(read(&registry), map([("blocking", 7)]));
}
