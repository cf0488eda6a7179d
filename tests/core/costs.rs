//! Counting and reading allocate no more than documented.

use std::time::Duration;

use papyra_metrics::{
    Counter, Descriptor, Distribution, FloatGauge, Gauge, Histogram, Latency, Metrics, Peak,
    ShardedHistogram, Snapshot, Walker, persistence::PersistenceMetrics,
};

/// Returns the number of allocations that `work` makes in this thread.
fn allocations<T>(work: impl FnOnce() -> T) -> u64 {
    let mut result = None; // dropped after the measurement
    allocation_counter::measure(|| result = Some(work())).count_total
}

#[derive(Default, Metrics)]
struct Empty {}

#[derive(Default, Metrics)]
struct One {
    writes: Counter,
}

#[derive(Default, Metrics)]
struct Log {
    records_written: Counter,
    records_read: Counter,
    #[metrics(unit = "bytes")]
    bytes_written: Counter,
    write_errors: Counter,
}

#[derive(Default, Metrics)]
struct Many {
    #[metrics(flatten, prefix = "a_")]
    a: Log,
    #[metrics(flatten, prefix = "b_")]
    b: Box<Log>,
    level: Gauge,
    #[metrics(flatten, prefix = "c_")]
    c: Option<Log>,
}

#[test]
fn counting_and_visiting_allocate_nothing() {
    let metrics = Many::default();
    let (mut sum, mut names) = (0.0, 0);
    let allocated = allocations(|| {
        metrics.a.records_written.inc();
        metrics.a.bytes_written.add(9);
        metrics.level.set(3);
        metrics.visit(&mut |metric, value| {
            names += metric.name().len();
            sum += value.as_f64();
        });
        metrics.visit_totals(&mut |_, value| sum += value.as_f64());
        metrics.visit_drain(&mut |_, value| sum += value.as_f64());
        metrics.reset();
        assert!(!metrics.descriptors().is_empty());
    });
    assert!(sum > 0.0 && names > 0);
    assert_eq!(allocated, 0);
}

#[test]
fn a_snapshot_of_any_number_of_metrics_allocates_once() {
    fn check(metrics: &dyn Metrics, expected: u64) {
        let readings: [fn(&dyn Metrics) -> Snapshot; 3] =
            [|metrics| metrics.snapshot(), |metrics| metrics.totals(), |metrics| metrics.drain()];
        for read in readings {
            assert_eq!(allocations(|| read(metrics)), expected);
        }
    }
    check(&Empty::default(), 0);
    check(&One::default(), 1);
    check(&Many::default(), 1);
    check(&Many { c: Some(Log::default()), ..Many::default() }, 1);
}

#[test]
fn a_difference_of_two_snapshots_allocates_as_often_as_a_clone() {
    #[derive(Default, Metrics)]
    struct Optional {
        #[metrics(flatten, prefix = "a_")]
        absent: Option<Log>,
        #[metrics(flatten, prefix = "b_")]
        present: Log,
    }
    let metrics = Optional::default();
    let earlier = metrics.snapshot();
    metrics.present.records_written.add(3);
    let later = metrics.snapshot();
    let mut difference = Snapshot::default();
    assert_eq!(allocations(|| difference = later.since(&earlier)), allocations(|| later.clone()));
    assert_eq!(difference["b_records_written"], 3);
}

#[test]
fn recording_and_reading_a_histogram_allocate_nothing() {
    static APPEND: Histogram = Histogram::new();
    static LOOKUP: ShardedHistogram = ShardedHistogram::new();
    static LONGEST: Peak = Peak::new();
    static RATIO: FloatGauge = FloatGauge::new();
    let allocated = allocations(|| {
        APPEND.record(Duration::from_micros(80));
        LOOKUP.record_n(Duration::from_nanos(300), 5);
        LOOKUP.time(|| APPEND.start().discard());
        LONGEST.record(7);
        RATIO.add(0.5);
        let mut read = APPEND.get();
        read.merge(&LOOKUP.take());
        assert!(read.quantile(0.99) >= read.mean());
    });
    assert_eq!(allocated, 0);
}

#[derive(Default, Metrics)]
struct Timed {
    writes: Counter,
    append: Histogram,
    scan: Histogram,
    lookup: Box<ShardedHistogram>,
}

#[test]
fn a_reading_allocates_once_for_each_histogram_and_a_snapshot_once_more() {
    let metrics = Timed::default();
    assert_eq!(allocations(|| metrics.visit(&mut |_, _| ())), 3);
    assert_eq!(allocations(|| metrics.visit_totals(&mut |_, _| ())), 3);
    assert_eq!(allocations(|| metrics.snapshot()), 4);
    assert_eq!(allocations(|| metrics.drain()), 4);
    assert_eq!(allocations(|| metrics.reset()), 0);
    let ready_made = PersistenceMetrics::default();
    assert_eq!(allocations(|| ready_made.snapshot()), 1 + 6);
    assert_eq!(allocations(|| ready_made.visit(&mut |_, _| ())), 6);
}

/// Metrics whose `walk` passes more histograms to the walker than `descriptors` contains.
struct OneTooMany(Timed);

impl Metrics for OneTooMany {
    fn descriptors(&self) -> &[Descriptor] {
        self.static_descriptors().unwrap_or_default()
    }

    fn static_descriptors(&self) -> Option<&'static [Descriptor]> {
        const { Some(&[Descriptor::counter("writes"), Descriptor::histogram("append")]) }
    }

    fn walk(&self, walker: &mut dyn Walker) {
        self.0.walk(walker);
    }
}

#[derive(Clone, Default, Metrics)]
#[metrics(storage = Storage)]
struct Plain {
    writes: u64,
    append: Distribution<Latency>,
}

#[test]
fn a_snapshot_frees_its_histograms_in_every_use() {
    fn check(what: &str, work: impl FnOnce()) {
        let measured = allocation_counter::measure(work);
        assert!(measured.count_total > 1, "{what} allocates nothing");
        assert_eq!((measured.count_current, measured.bytes_current), (0, 0), "{what} leaks");
    }
    let metrics = Timed::default();
    let earlier = metrics.snapshot();
    metrics.append.record(Duration::from_micros(80));
    check("a dropped snapshot", || drop(metrics.snapshot()));
    check("a clone", || drop(earlier.clone()));
    check("a difference", || drop(metrics.snapshot().since(&earlier)));
    check("an iterator that was not finished", || {
        let mut values = metrics.snapshot().into_iter();
        assert!(values.next().is_some() && values.next_back().is_some());
        assert_eq!(values.next().map(|(key, _)| key), Some("append".to_owned()));
    });
    check("a collected snapshot", || drop(metrics.snapshot().into_iter().collect::<Snapshot>()));
    check("a plain struct", || drop(Snapshot::from(&Plain::default())));
    let one_too_many = OneTooMany(Timed::default());
    assert_eq!(one_too_many.snapshot().len(), 2);
    check("a walk with more metrics than descriptors", || drop(one_too_many.snapshot()));
}
