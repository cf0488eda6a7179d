//! Backends in a registry: how they are registered, read and closed, and what happens if they fail.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use papyra_metrics::persistence::PersistenceMetrics;
use papyra_metrics::{
    Counter, Descriptor, FloatGauge, Gauge, Histogram, Kind, Latency, Metrics, Value, Walker,
};
use papyra_metrics_export::{RegisterError, Registry, RegistryReader};
use papyra_metrics_export_tests::number;

#[derive(Default, Metrics)]
struct LogMetrics {
    /// Records appended.
    records_written: Counter,
    #[metrics(unit = "bytes")]
    bytes_written: Counter,
    open_segments: Gauge,
}

/// Returns all values that the reader reads, by name and labels. For a histogram, the value is its count.
fn read(reader: &mut RegistryReader) -> BTreeMap<String, i64> {
    let readings = reader.read().map(|reading| {
        (format!("{}{}", reading.name(), reading.labels()), number(reading.value()))
    });
    let readings: Vec<_> = readings.collect();
    let all = readings.len();
    let map: BTreeMap<_, _> = readings.into_iter().collect();
    assert_eq!(map.len(), all, "a series occurs twice: {map:?}");
    map
}

fn map<const LEN: usize>(values: [(&str, i64); LEN]) -> BTreeMap<String, i64> {
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[test]
fn backends_of_one_type_are_distinguished_by_their_labels() {
    let registry = Registry::with_prefix("papyra.storage").unwrap();
    let (orders, users) = (Arc::new(LogMetrics::default()), Arc::new(LogMetrics::default()));
    registry.register(orders.clone(), &[("backend", "orders")]).unwrap();
    registry.register(users.clone(), &[("backend", "users"), ("zone", "")]).unwrap();
    orders.records_written.add(3);
    users.bytes_written.add(40);
    users.open_segments.set(-2);
    assert_eq!(
        read(&mut RegistryReader::new(&registry)),
        map([
            ("papyra_storage_records_written{backend=\"orders\"}", 3),
            ("papyra_storage_written_bytes{backend=\"orders\"}", 0),
            ("papyra_storage_open_segments{backend=\"orders\"}", 0),
            ("papyra_storage_records_written{backend=\"users\"}", 0),
            ("papyra_storage_written_bytes{backend=\"users\"}", 40),
            ("papyra_storage_open_segments{backend=\"users\"}", -2),
        ])
    );
}

#[test]
fn a_sample_has_the_declared_kind_help_and_unit() {
    let registry = Registry::new();
    let metrics = Arc::new(LogMetrics::default());
    registry.register(metrics.clone(), &[]).unwrap();
    let mut reader = RegistryReader::new(&registry);
    let received: Vec<_> = reader
        .read()
        .map(|reading| (reading.kind().to_string(), reading.help(), reading.unit()))
        .collect();
    assert_eq!(
        received,
        [
            ("counter".to_owned(), "Records appended.", None),
            ("counter".to_owned(), "", Some("bytes")),
            ("gauge".to_owned(), "", None)
        ]
    );
}

#[test]
fn each_reader_sees_the_last_counts_of_a_backend_once() {
    let registry = Registry::new();
    let metrics = Arc::new(LogMetrics::default());
    registry.register(metrics.clone(), &[]).unwrap();
    let (mut one, mut other) = (RegistryReader::new(&registry), RegistryReader::new(&registry));
    read(&mut one);
    metrics.records_written.add(5);
    let weak = Arc::downgrade(&metrics);
    drop(metrics);
    assert_eq!(read(&mut one)["records_written{}"], 5);
    assert!(weak.upgrade().is_none(), "the registry still holds the metrics");
    assert_eq!(read(&mut one), map([]));
    assert_eq!(read(&mut other)["records_written{}"], 5);
    assert_eq!(read(&mut other), map([]));
}

#[test]
fn a_reopened_backend_continues_from_its_last_totals() {
    let registry = Registry::new();
    let mut early = RegistryReader::new(&registry);
    for opened in 1..=4 {
        let metrics = Arc::new(LogMetrics::default());
        registry.register(metrics.clone(), &[("backend", "orders")]).unwrap();
        metrics.records_written.add(10);
        metrics.open_segments.set(opened);
        // Only every other backend is read before it is dropped.
        if opened % 2 == 0 {
            assert_eq!(read(&mut early)["records_written{backend=\"orders\"}"], opened * 10);
        }
        drop(metrics);
        if opened == 2 {
            read(&mut early);
            assert_eq!(read(&mut early), map([]));
        }
    }
    let last = read(&mut RegistryReader::new(&registry));
    assert_eq!(last["records_written{backend=\"orders\"}"], 40);
    assert_eq!(last["open_segments{backend=\"orders\"}"], 4);
}

#[test]
fn a_reopened_backend_with_reordered_metrics_continues_each_of_them() {
    #[derive(Default, Metrics)]
    struct Later {
        open_segments: Gauge,
        #[metrics(unit = "bytes")]
        bytes_written: Counter,
        scans: Counter,
        records_written: AtomicU64,
    }
    let registry = Registry::new();
    let earlier = Arc::new(LogMetrics::default());
    registry.register(earlier.clone(), &[]).unwrap();
    earlier.records_written.add(3);
    earlier.bytes_written.add(40);
    earlier.open_segments.set(5);
    drop(earlier);

    let later = Arc::new(Later::default());
    registry.register(later.clone(), &[]).unwrap();
    later.records_written.fetch_add(1, Relaxed);
    later.bytes_written.add(2);
    later.scans.add(7);
    later.open_segments.set(-1);
    let mut reader = RegistryReader::new(&registry);
    let expected = [("records_written{}", 4), ("written_bytes{}", 42), ("open_segments{}", -1)];
    let mut expected = map(expected);
    expected.insert("scans{}".to_owned(), 7);
    assert_eq!(read(&mut reader), expected);
    later.scans.add(1);
    expected.insert("scans{}".to_owned(), 8);
    assert_eq!(read(&mut reader), expected);
}

#[test]
fn a_gauge_of_a_reopened_backend_is_not_shown_before_it_is_read() {
    let registry = Registry::new();
    let open = |panics: bool| {
        let queue = Arc::new(Queue { panics: panics.into(), waiting: Gauge::new() });
        registry.register(queue.clone(), &[]).unwrap();
        queue
    };
    let queue = open(false);
    queue.waiting.set(5);
    let mut reader = RegistryReader::new(&registry);
    assert_eq!(read(&mut reader), map([("waiting{}", 5)]));
    drop(queue);
    let queue = open(true);
    assert_eq!(read(&mut reader), map([]));
    queue.panics.store(false, Relaxed);
    assert_eq!(read(&mut reader), map([("waiting{}", 0)]));
}

/// A hand-written gauge whose reading panics on request.
struct Queue {
    panics: AtomicBool,
    waiting: Gauge,
}

const QUEUE: &[Descriptor] = &[Descriptor::gauge("waiting")];

impl Metrics for Queue {
    fn descriptors(&self) -> &[Descriptor] {
        QUEUE
    }

    fn walk(&self, walker: &mut dyn Walker) {
        assert!(!self.panics.load(Relaxed), "the queue is closed");
        walker.instrument(&Value::Gauge(self.waiting.get()));
    }
}

#[test]
fn two_parts_of_one_backend_may_have_the_same_labels() {
    #[derive(Default, Metrics)]
    struct CacheMetrics {
        hits: Counter,
    }
    let registry = Registry::new();
    let (log, cache) = (Arc::new(LogMetrics::default()), Arc::new(CacheMetrics::default()));
    registry.register(log.clone(), &[("backend", "orders")]).unwrap();
    registry.register(cache.clone(), &[("backend", "orders")]).unwrap();
    cache.hits.inc();
    drop(log);
    let mut reader = RegistryReader::new(&registry);
    assert_eq!(read(&mut reader).len(), 4);
    assert_eq!(read(&mut reader), map([("hits{backend=\"orders\"}", 1)]));
}

#[test]
fn a_total_that_falls_continues_from_its_earlier_value() {
    #[derive(Default, Metrics)]
    struct Stats {
        reads: Counter,
        writes: AtomicU64,
        open: AtomicI64,
        errors: Counter,
    }
    let registry = Registry::new();
    let stats = Arc::new(Stats::default());
    registry.register(stats.clone(), &[]).unwrap();
    let mut reader = RegistryReader::new(&registry);
    let mut seen = Vec::new();
    for (counted, reset) in [(100, false), (50, true), (20, false), (5, true), (0, false)] {
        stats.writes.fetch_add(counted, Relaxed);
        stats.open.store(-3, Relaxed);
        stats.errors.inc();
        seen.push(read(&mut reader)["writes{}"]);
        if reset {
            stats.reset();
        }
    }
    assert_eq!(seen, [100, 150, 170, 175, 175]);
    assert_eq!(
        read(&mut reader),
        map([("reads{}", 0), ("writes{}", 175), ("open{}", -3), ("errors{}", 5)])
    );
}

#[test]
fn a_total_that_overflows_wraps_and_continues() {
    let registry = Registry::new();
    let read =
        |reader: &mut RegistryReader| reader.read().next().unwrap().value().as_u64().unwrap();
    let mut reader = RegistryReader::new(&registry);
    for (counted, total) in [(u64::MAX - 2, u64::MAX - 2), (5, 2), (3, 5)] {
        let writes = Arc::new(Writes::default());
        registry.register(writes.clone(), &[]).unwrap();
        writes.writes.fetch_add(counted, Relaxed);
        assert_eq!(read(&mut reader), total);
    }
}

#[derive(Default, Metrics)]
struct Writes {
    writes: AtomicU64,
}

#[test]
fn readers_see_neither_resets_nor_drains() {
    let registry = Registry::new();
    let metrics = Arc::new(LogMetrics::default());
    registry.register(metrics.clone(), &[]).unwrap();
    let mut reader = RegistryReader::new(&registry);
    for total in [7, 14, 21] {
        metrics.records_written.add(7);
        metrics.reset();
        assert_eq!(read(&mut reader)["records_written{}"], total);
        metrics.drain();
    }
}

#[test]
fn readers_on_many_threads_see_no_total_fall_and_lose_no_count() {
    let registry = Registry::new();
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (registry, stop) = (registry.clone(), Arc::clone(&stop));
            thread::spawn(move || {
                let mut reader = RegistryReader::new(&registry);
                let mut last = 0;
                loop {
                    let stopped = stop.load(Relaxed);
                    let now = read(&mut reader).get("records_written{}").copied().unwrap_or(last);
                    assert!(now >= last, "{now} after {last}");
                    last = now;
                    if stopped {
                        return last;
                    }
                }
            })
        })
        .collect();
    for _ in 0..200 {
        let metrics = Arc::new(LogMetrics::default());
        registry.register(metrics.clone(), &[]).unwrap();
        let counting: Vec<_> = (0..2)
            .map(|_| {
                let metrics = metrics.clone();
                thread::spawn(move || (0..50).for_each(|_| metrics.records_written.inc()))
            })
            .collect();
        metrics.reset();
        drop(metrics);
        for counting in counting {
            counting.join().unwrap();
        }
    }
    stop.store(true, Relaxed);
    for reader in readers {
        assert_eq!(reader.join().unwrap(), 200 * 100);
    }
}

/// A counter. A test can make the counter absent, and can make its reading panic.
#[derive(Default)]
struct Unreadable {
    events: Counter,
    is_absent: AtomicBool,
    panics: AtomicBool,
}

impl Metrics for Unreadable {
    fn descriptors(&self) -> &[Descriptor] {
        const EVENTS: &[Descriptor] = &[Descriptor::counter("events")];
        EVENTS
    }

    fn walk(&self, walker: &mut dyn Walker) {
        assert!(!self.panics.load(Relaxed), "the disk has failed");
        walker.metric((!self.is_absent.load(Relaxed)).then_some(&self.events));
    }
}

#[test]
fn a_counter_that_cannot_be_read_keeps_the_value_of_the_last_reading() {
    let registry = Registry::new();
    let metrics = Arc::new(Unreadable::default());
    registry.register(metrics.clone(), &[]).unwrap();
    let mut reader = RegistryReader::new(&registry);
    let mut events = || read(&mut reader)["events{}"];
    for total in [1, 2, 100] {
        metrics.events.add(total - metrics.events.get());
        assert_eq!(events(), i64::try_from(total).unwrap());
    }
    metrics.is_absent.store(true, Relaxed);
    assert_eq!((events(), events()), (100, 100));
    metrics.is_absent.store(false, Relaxed);
    metrics.events.inc();
    assert_eq!((events(), events()), (101, 101));
    metrics.panics.store(true, Relaxed);
    assert_eq!((events(), events()), (101, 101));
    registry.unregister(&metrics);
    assert_eq!(events(), 101);
}

#[test]
fn no_total_falls_when_counting_metrics_are_unregistered_while_they_are_read() {
    for round in 0..200 {
        let registry = Registry::new();
        let metrics = Arc::new(LogMetrics::default());
        registry.register(metrics.clone(), &[]).unwrap();
        let mut reader = RegistryReader::new(&registry);
        read(&mut reader);
        let is_closed = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !is_closed.load(Relaxed) {
                    metrics.records_written.inc();
                }
            });
            scope.spawn(|| {
                let mut last = 0;
                while let Some(sample) = reader.read().next() {
                    let now = sample.value().as_u64().unwrap();
                    if now < last {
                        is_closed.store(true, Relaxed);
                        panic!("{now} after {last}");
                    }
                    last = now;
                }
                is_closed.store(true, Relaxed);
            });
            (0..round).for_each(|_| std::hint::spin_loop());
            registry.unregister(&metrics);
        });
    }
}

/// Hand-written metrics. A test can make a reading panic or wait, and can change the descriptors and the values.
#[derive(Default)]
struct Controlled {
    panics: AtomicBool,
    relists: AtomicBool,
    waits: Mutex<Option<(mpsc::Sender<()>, mpsc::Receiver<()>)>>,
}

const LISTED: &[Descriptor] = &[Descriptor::counter("first"), Descriptor::counter("second")];
const RELISTED: &[Descriptor] =
    &[Descriptor::gauge("unlisted"), Descriptor::counter("second"), Descriptor::counter("first")];

impl Metrics for Controlled {
    fn descriptors(&self) -> &[Descriptor] {
        if self.relists.load(Relaxed) { RELISTED } else { LISTED }
    }

    fn walk(&self, walker: &mut dyn Walker) {
        if self.relists.load(Relaxed) {
            walker.instrument(&Value::Gauge(1));
            walker.instrument(&Value::Counter(4));
            walker.instrument(&Value::Counter(3));
            return;
        }
        walker.instrument(&Value::Counter(1));
        if let Some((arrived, resume)) = self.waits.lock().unwrap().take() {
            arrived.send(()).unwrap();
            resume.recv().unwrap();
        }
        assert!(!self.panics.load(Relaxed), "the disk has failed");
        walker.instrument(&Value::Counter(2));
    }
}

#[test]
fn a_backend_that_panics_keeps_its_last_values_and_does_not_affect_others() {
    let registry = Registry::new();
    let controlled = Arc::new(Controlled::default());
    let metrics = Arc::new(LogMetrics::default());
    registry.register(controlled.clone(), &[("backend", "controlled")]).unwrap();
    registry.register(metrics.clone(), &[("backend", "orders")]).unwrap();
    let mut reader = RegistryReader::new(&registry);
    let good = read(&mut reader);
    assert_eq!(good["second{backend=\"controlled\"}"], 2);
    assert_eq!(good["records_written{backend=\"orders\"}"], 0);

    controlled.panics.store(true, Relaxed);
    metrics.records_written.inc();
    let bad = read(&mut reader);
    assert_eq!(bad["second{backend=\"controlled\"}"], 2);
    assert_eq!(bad["records_written{backend=\"orders\"}"], 1);
    let problems: Vec<_> = registry.problems().iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        ["backend {backend=\"controlled\"}: reading its metrics panicked: the disk has failed"]
    );

    // If the last counts of a dropped backend cannot be read, this is reported too.
    let other = Arc::new(Controlled::default());
    other.panics.store(true, Relaxed);
    registry.register(other.clone(), &[("backend", "other")]).unwrap();
    drop(other);
    read(&mut reader);
    assert_eq!(registry.problems().len(), 2);
    assert_eq!(registry.problems()[1].backend, "{backend=\"other\"}");
}

#[test]
fn a_backend_whose_descriptors_change_is_read_by_its_new_descriptors() {
    let registry = Registry::new();
    let controlled = Arc::new(Controlled::default());
    registry.register(controlled.clone(), &[]).unwrap();
    let mut reader = RegistryReader::new(&registry);
    assert_eq!(read(&mut reader), map([("first{}", 1), ("second{}", 2)]));
    controlled.relists.store(true, Relaxed);
    assert_eq!(read(&mut reader), map([("first{}", 3), ("second{}", 4)]));
    let problems: Vec<_> = registry.problems().into_iter().map(|it| it.message).collect();
    assert_eq!(
        problems,
        ["`unlisted` had no descriptor when the backend was registered; it is left out"]
    );
}

#[test]
fn filtered_histograms_and_floats_are_not_exported() {
    #[derive(Default, Metrics)]
    struct Measured {
        before: Counter,
        write_latency: Histogram<Latency>,
        load: FloatGauge,
        after: Counter,
    }
    let measured = Arc::new(Measured::default());
    measured.before.add(1);
    measured.after.add(2);
    let registry = Registry::new();
    let counters = registry.with_filter(|metric| metric.kind() == Kind::Counter);
    counters.register(measured.clone(), &[]).unwrap();
    let expected = map([("before{}", 1), ("after{}", 2)]);
    assert_eq!(read(&mut RegistryReader::new(&registry)), expected);
    assert!(registry.problems().is_empty());
}

#[test]
fn another_number_of_instruments_than_of_descriptors_is_reported() {
    struct Instruments(usize);

    impl Metrics for Instruments {
        fn descriptors(&self) -> &[Descriptor] {
            LISTED
        }

        fn walk(&self, walker: &mut dyn Walker) {
            (0..self.0).for_each(|_| walker.instrument(&Value::Counter(1)));
        }
    }

    let problem = |count: usize| {
        let registry = Registry::new();
        registry.register_static(Instruments(count), &[]).unwrap();
        let values = read(&mut RegistryReader::new(&registry));
        (values.len(), registry.problems().pop().map(|problem| problem.message))
    };
    let message = |count: usize| {
        Some(format!(
            "it passes {count} instruments, but its number of descriptors is 2; pass one instrument for each \
             descriptor, or `None` if a metric is absent"
        ))
    };
    assert_eq!(problem(1), (1, message(1)));
    assert_eq!(problem(2), (2, None));
    assert_eq!(problem(3), (2, message(3)));
}

#[test]
fn a_walk_that_skips_too_many_metrics_is_reported_and_changes_no_other_backend() {
    struct Skipping(Histogram);

    impl Metrics for Skipping {
        fn descriptors(&self) -> &[Descriptor] {
            const { &[Descriptor::counter("first"), Descriptor::histogram("second")] }
        }

        fn walk(&self, walker: &mut dyn Walker) {
            for _ in 0..3 {
                walker.instrument(&Value::Counter(7));
                walker.absent(usize::MAX);
                walker.metric(Some(&self.0));
            }
        }
    }

    let registry = Registry::new();
    registry.register_static(Skipping(Histogram::new()), &[]).unwrap();
    let log = Arc::new(LogMetrics::default());
    registry.register(log.clone(), &[("backend", "log")]).unwrap();
    log.records_written.add(3);
    let values = read(&mut RegistryReader::new(&registry));
    assert_eq!(values["first{}"], 7);
    assert_eq!(values["records_written{backend=\"log\"}"], 3);
    assert_eq!(values.len(), 4, "{values:?}");
    let problem = &registry.problems()[0].message;
    assert!(problem.contains(" instruments, but its number of descriptors is 2; "), "{problem}");
}

#[test]
fn absent_metrics_do_not_shift_those_after_them() {
    #[derive(Default, Metrics)]
    struct Outer {
        before: Counter,
        #[metrics(flatten, prefix = "inner_")]
        inner: Option<LogMetrics>,
        after: Counter,
    }
    let registry = Registry::new();
    let outer = Arc::new(Outer::default());
    registry.register(outer.clone(), &[]).unwrap();
    outer.before.add(1);
    outer.after.add(2);
    assert_eq!(read(&mut RegistryReader::new(&registry)), map([("before{}", 1), ("after{}", 2)]));
}

/// Hand-written metrics whose kinds are swapped: the counter has the value of a gauge, and the gauge has the value of a
/// counter.
struct Crossed(AtomicI64);

const CROSSED: &[Descriptor] = &[Descriptor::counter("events"), Descriptor::gauge("level")];

impl Metrics for Crossed {
    fn descriptors(&self) -> &[Descriptor] {
        CROSSED
    }

    fn walk(&self, walker: &mut dyn Walker) {
        let number = self.0.load(Relaxed);
        walker.instrument(&Value::Gauge(number));
        walker.instrument(&Value::Counter(u64::from_ne_bytes(number.to_ne_bytes())));
    }
}

#[test]
fn a_value_that_contradicts_its_descriptor_is_left_out_and_reported() {
    let registry = Registry::new();
    let crossed = Arc::new(Crossed(7.into()));
    registry.register(crossed.clone(), &[]).unwrap();
    let mut reader = RegistryReader::new(&registry);
    let mut seen = Vec::new();
    for number in [7, 3, -1] {
        crossed.0.store(number, Relaxed);
        seen.push(read(&mut reader));
    }
    // When the number falls from 7 to 3, the counter continues at 7 + 3, and the gauge becomes 3. At -1, both values
    // are left out, so both series keep their last values.
    let expected = [(7, 7), (10, 3), (10, 3)];
    assert_eq!(
        seen,
        expected.map(|(events, level)| map([("events{}", events), ("level{}", level)]))
    );
    let problems: Vec<_> = registry.problems().into_iter().map(|it| it.message).collect();
    assert_eq!(
        problems,
        [
            "`events` is a counter, but its value is negative; use `Value::Counter`",
            "`level` is a gauge, but its value exceeds `i64::MAX`; use `Value::Float`"
        ]
    );
}

#[test]
fn other_backends_count_open_and_close_while_one_is_slow_to_read() {
    let registry = Registry::new();
    let slow = Arc::new(Controlled::default());
    let (arrived, wait_for_arrival) = mpsc::channel();
    let (resume, wait_for_resume) = mpsc::channel();
    *slow.waits.lock().unwrap() = Some((arrived, wait_for_resume));
    registry.register(slow.clone(), &[("backend", "slow")]).unwrap();
    let reading = thread::spawn({
        let registry = registry.clone();
        move || read(&mut RegistryReader::new(&registry))
    });
    wait_for_arrival.recv().unwrap();

    let metrics = Arc::new(PersistenceMetrics::default());
    registry.register(metrics.clone(), &[("backend", "orders")]).unwrap();
    metrics.records_written.inc();
    assert!(registry.unregister(&metrics));

    resume.send(()).unwrap();
    assert_eq!(reading.join().unwrap()["second{backend=\"slow\"}"], 2);
}

#[test]
fn unregistering_releases_metrics_at_once_and_keeps_their_last_counts() {
    let registry = Registry::new();
    let metrics = Arc::new(LogMetrics::default());
    registry.register(metrics.clone(), &[]).unwrap();
    metrics.records_written.add(2);
    assert!(registry.unregister(&metrics));
    assert!(!registry.unregister(&metrics));
    assert_eq!(Arc::strong_count(&metrics), 1);
    metrics.records_written.add(100);
    let mut reader = RegistryReader::new(&registry);
    assert_eq!(read(&mut reader)["records_written{}"], 2);
    assert_eq!(read(&mut reader), map([]));
}

#[test]
fn metrics_may_use_the_registry_when_they_are_dropped() {
    /// Metrics that use the registry while they are dropped.
    #[derive(Metrics)]
    struct UsesRegistryOnDrop {
        reads: Counter,
        #[metrics(skip)]
        registry: Registry,
        #[metrics(skip)]
        dropped: mpsc::Sender<()>,
    }

    impl Drop for UsesRegistryOnDrop {
        fn drop(&mut self) {
            self.registry.problems();
            let _ = self.dropped.send(());
        }
    }

    let registry = Registry::new();
    let (dropped, drops) = mpsc::channel();
    let new_backend = || {
        let (registry, dropped) = (registry.clone(), dropped.clone());
        UsesRegistryOnDrop { reads: Counter::new(), registry, dropped }
    };
    let log = Arc::new(LogMetrics::default());
    registry.register(log.clone(), &[]).unwrap();

    // The first backend is dropped by a reader, the second by the registration of the third, and the third by a reader.
    let register = || drop(registry.register_owned(new_backend(), &[]).unwrap());
    register();
    read(&mut RegistryReader::new(&registry));
    drops.try_recv().unwrap();
    register();
    register();
    drops.try_recv().unwrap();
    read(&mut RegistryReader::new(&registry));
    drops.try_recv().unwrap();
}

#[test]
fn static_metrics_stay_registered() {
    #[derive(Metrics)]
    struct Queue {
        pushed: Counter,
    }
    static METRICS: Queue = Queue { pushed: Counter::new() };
    let registry = Registry::new();
    registry.register_static(&METRICS, &[]).unwrap();
    registry.register_static(LogMetrics::default(), &[("backend", "orders")]).unwrap();
    let mut reader = RegistryReader::new(&registry);
    for _ in 0..3 {
        assert_eq!(read(&mut reader).len(), 4);
    }
}

/// Returns the error with which the registry refuses to register these metrics.
fn refused(
    registry: &Registry,
    metrics: impl Metrics + Send + Sync + 'static,
    labels: &[(&str, &str)],
) -> String {
    let metrics = Arc::new(metrics);
    let error = registry.register(metrics.clone(), labels).unwrap_err();
    assert_eq!(Arc::strong_count(&metrics), 1, "a refused backend is held");
    error.to_string()
}

#[test]
fn one_name_with_two_kinds_or_units_is_refused_and_both_backends_are_named() {
    #[derive(Default, Metrics)]
    struct Levels {
        fresh: Gauge,
        records_written: Gauge,
    }
    #[derive(Default, Metrics)]
    struct InBytes {
        #[metrics(unit = "bytes")]
        open_segments: Gauge,
        written_bytes: Counter,
    }
    #[derive(Default, Metrics)]
    struct Samples {
        records_written_total: Gauge,
    }
    #[derive(Default, Metrics)]
    struct Fresh {
        fresh: Counter,
    }
    let registry = Registry::new();
    let orders = Arc::new(LogMetrics::default());
    registry.register(orders.clone(), &[("backend", "orders")]).unwrap();
    let users: &[(&str, &str)] = &[("backend", "users")];
    assert_eq!(
        refused(&registry, Levels::default(), users),
        "`records_written` is a gauge without a unit in backend `{backend=\"users\"}`, but a counter without a unit in \
         backend `{backend=\"orders\"}`; rename one of them, or use registries with different prefixes"
    );
    assert_eq!(
        refused(&registry, InBytes::default(), users),
        "`written_bytes` is a counter without a unit in backend `{backend=\"users\"}`, but a counter in bytes in \
         backend `{backend=\"orders\"}`; rename one of them, or use registries with different prefixes"
    );
    assert_eq!(
        refused(&registry, Samples::default(), users),
        "`records_written_total`, a gauge without a unit in backend `{backend=\"users\"}`, shares sample names with \
         `records_written`, a counter without a unit in backend `{backend=\"orders\"}`; rename one of them, or use \
         registries with different prefixes"
    );
    // A refused registration has no effect. Even a name that only the refused backend has is still free.
    let fresh = Arc::new(Fresh::default());
    registry.register(fresh.clone(), users).unwrap();
    assert_eq!(read(&mut RegistryReader::new(&registry)).len(), 4);
}

#[test]
fn labels_of_an_open_backend_are_refused_for_another_with_the_same_metrics() {
    let registry = Registry::new();
    let orders = Arc::new(LogMetrics::default());
    registry.register(orders.clone(), &[("backend", "orders")]).unwrap();
    assert_eq!(
        refused(&registry, LogMetrics::default(), &[("backend", "orders")]),
        "`records_written` with the labels `{backend=\"orders\"}` exists already; add a label that differs, such as \
         `backend`"
    );
    let again = registry.register(orders.clone(), &[("backend", "other")]).unwrap_err();
    assert_eq!(
        again.to_string(),
        "these metrics are already registered with the labels `{backend=\"orders\"}`; register an `Arc` only once"
    );
}

#[test]
fn labels_and_prefixes_that_a_monitoring_system_would_refuse_are_refused() {
    let registry = Registry::new();
    for (labels, expected) in [
        (
            &[("no dash-es", "")][..],
            "`no dash-es` is not a label name; it must match `[a-zA-Z_][a-zA-Z0-9_]*`",
        ),
        (&[("", "x")], "`` is not a label name; it must match `[a-zA-Z_][a-zA-Z0-9_]*`"),
        (&[("1st", "x")], "`1st` is not a label name; it must match `[a-zA-Z_][a-zA-Z0-9_]*`"),
        (
            &[("le", "x")],
            "the label name `le` is reserved; choose one other than `instance`, `job`, `le` and `quantile` that does not begin with `__`",
        ),
        (
            &[("job", "x")],
            "the label name `job` is reserved; choose one other than `instance`, `job`, `le` and `quantile` that does not begin with `__`",
        ),
        (
            &[("__name__", "x")],
            "the label name `__name__` is reserved; choose one other than `instance`, `job`, `le` and `quantile` that does not begin with `__`",
        ),
        (
            &[("a", "x"), ("b", "y"), ("a", "z")],
            "the label `a` is given twice; remove it from the handle, the backend or the metric",
        ),
    ] {
        assert_eq!(refused(&registry, LogMetrics::default(), labels), expected);
    }
    for prefix in ["", "1st", "a..b", "a.", "a-b", "_a"] {
        assert_eq!(
            Registry::with_prefix(prefix).unwrap_err(),
            RegisterError::InvalidPrefix { prefix: prefix.to_owned() }
        );
    }
    assert_eq!(
        Registry::with_prefix("a\n.b").unwrap_err().to_string(),
        "`a\\n.b` is not a prefix; it must consist of words that match `[a-zA-Z][a-zA-Z0-9_]*`, joined by dots"
    );
}
