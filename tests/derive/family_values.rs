//! A family of each instrument in every reading: snapshots, differences, drains, resets, totals, a published file, a plain
//! struct, JSON and binary formats.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use papyra_metrics::publish::{Published, Reader};
use papyra_metrics::{
    CachePadded, Counter, Distribution, Family, FineLatency, FloatGauge, Gauge, Histogram,
    Instrument, IoErrorKind, Label, Latency, Member, Metrics, Peak, ShardedCounter,
    ShardedHistogram, Sizes, Snapshot,
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Label)]
enum Op {
    #[default]
    Get,
    Put,
}

#[derive(Clone, Copy, Debug, PartialEq, Label)]
enum Tier {
    Hot,
    Cold,
}

/// A family of each instrument that a published struct may contain.
#[derive(Default, Metrics)]
#[metrics(prefix = "lsm_", labels(component = "tree"))]
struct TreeMetrics {
    counter: Family<Op, Counter>,
    gauge: Family<Op, Gauge>,
    float: Family<(Op, Tier), FloatGauge>,
    peak: Family<Op, Peak>,
    #[metrics(objective(within = "100ms", of = 99.9))]
    histogram: Family<Op, Histogram>,
    size: Family<(Op, Tier), Histogram<Sizes>>,
    sharded: Family<(Op, Tier), ShardedCounter>,
    lookup: Family<Op, ShardedHistogram<FineLatency>>,
    atomic: Family<Op, AtomicU64>,
    signed: Family<Op, AtomicI64>,
    /// Bytes written.
    #[metrics(name = "written", unit = "bytes", labels(file = "table"))]
    padded: Family<Op, CachePadded<Counter>>,
    whole: CachePadded<Family<Op, Counter>>,
    #[metrics(flatten, prefix = "wal_", labels(file = "wal"))]
    wal: WalMetrics,
    #[metrics(flatten, prefix = "any_")]
    any: AnyMetrics<Op, ShardedCounter>,
}

#[derive(Default, Metrics)]
struct WalMetrics {
    errors: Family<IoErrorKind, Counter>,
    sync: Family<Op, Histogram>,
}

#[derive(Default, Metrics)]
struct AnyMetrics<L: Label, I: Member + Instrument + Default> {
    #[metrics(labels(of = "all"))]
    members: Family<L, I>,
}

impl TreeMetrics {
    /// Counts `n` in a member of each family.
    fn count(&self, n: u8) {
        let number = u64::from(n);
        self.counter[Op::Put].add(number);
        self.gauge[Op::Get].set(-i64::from(n));
        self.float[(Op::Put, Tier::Cold)].set(f64::from(n) / 4.0);
        self.peak[Op::Put].record(n);
        self.histogram[Op::Get].record(Duration::from_millis(number));
        self.size[(Op::Put, Tier::Hot)].record(1024 * number);
        self.sharded[(Op::Get, Tier::Cold)].add(number);
        self.lookup[Op::Put].record(Duration::from_micros(number));
        self.atomic[Op::Put].fetch_add(number, Ordering::Relaxed);
        self.signed[Op::Put].fetch_sub(n.into(), Ordering::Relaxed);
        self.padded[Op::Get].add(number);
        self.whole[Op::Get].add(number);
        self.wal.errors[IoErrorKind::Other].add(number);
        self.wal.sync[Op::Put].record(Duration::from_secs(number));
        self.any.members[Op::Put].add(number);
    }
}

const COUNTERS: &[&str] = &[
    "lsm_counter{component=tree,op=put}",
    "lsm_sharded{component=tree,op=get,tier=cold}",
    "lsm_written{component=tree,file=table,op=get}",
    "lsm_whole{component=tree,op=get}",
    "lsm_wal_errors{component=tree,file=wal,error_kind=other}",
    "lsm_any_members{component=tree,of=all,op=put}",
];

/// The histograms in which [`TreeMetrics::count`] records, each with its sum after `count(1)`.
const HISTOGRAMS: &[(&str, f64)] = &[
    ("lsm_histogram{component=tree,op=get}", 0.001),
    ("lsm_size{component=tree,op=put,tier=hot}", 1024.0),
    ("lsm_lookup{component=tree,op=put}", 0.000_001),
    ("lsm_wal_sync{component=tree,file=wal,op=put}", 1.0),
];

/// Checks the counters and histograms of a reading after `values` calls of [`TreeMetrics::count`], whose arguments add
/// up to `sum`. All other counters and histograms must be zero. Plain atomics are not checked, because they have no
/// lifetime total.
fn assert_counted(reading: &Snapshot, sum: u8, values: u64) {
    for series in COUNTERS {
        assert_eq!(reading[*series], u64::from(sum), "{series}");
    }
    for (series, unit) in HISTOGRAMS {
        let distribution = reading[*series].as_histogram().unwrap();
        assert_eq!(distribution.count(), values, "{series}");
        assert!((distribution.sum() - unit * f64::from(sum)).abs() < 1e-9, "{series}");
    }
    let others = reading.iter().filter(|(series, _)| {
        !COUNTERS.contains(series) && !HISTOGRAMS.iter().any(|(known, _)| known == series)
    });
    for (series, value) in others {
        let is_gauge = ["gauge", "float", "peak", "atomic", "signed"]
            .iter()
            .any(|name| series.starts_with(&format!("lsm_{name}{{")));
        let is_zero = value.as_histogram().map_or(*value == 0, Distribution::is_empty);
        assert!(is_gauge || is_zero, "{series} is {value}");
    }
}

/// Checks that a snapshot survives JSON and two binary formats, with typed access to the members.
fn assert_round_trips(snapshot: &Snapshot) {
    let json = serde_json::to_string(snapshot).unwrap();
    let postcard = postcard::to_allocvec(snapshot).unwrap();
    let bincode = bincode::serialize(snapshot).unwrap();
    for back in [
        serde_json::from_str::<Snapshot>(&json).unwrap(),
        postcard::from_bytes(&postcard).unwrap(),
        bincode::deserialize(&bincode).unwrap(),
    ] {
        assert_eq!(back, *snapshot);
        let counter = back.member("lsm_counter{component=tree}", Op::Put);
        assert_eq!(counter, Some(&snapshot[COUNTERS[0]]));
        let error = back.member("lsm_wal_errors{component=tree,file=wal}", IoErrorKind::Other);
        assert_eq!(error, Some(&snapshot[COUNTERS[4]]));
        let size = back.member("lsm_size{component=tree}", (Op::Put, Tier::Hot));
        assert_eq!(size, Some(&snapshot[HISTOGRAMS[1].0]));
    }
}

fn every_reading_has_each_member(metrics: &TreeMetrics) {
    metrics.count(3);
    let first = metrics.snapshot();
    assert_counted(&first, 3, 1);
    assert_round_trips(&first);
    metrics.count(5);
    let second = metrics.snapshot();
    assert_counted(&second, 8, 2);
    let since = second.since(&first);
    assert_counted(&since, 5, 1);
    assert_round_trips(&since);
    // Gauges in a difference have their later values.
    assert_eq!(since["lsm_gauge{component=tree,op=get}"], -5);
    assert_eq!(since["lsm_float{component=tree,op=put,tier=cold}"], 1.25);
    assert_eq!(since["lsm_peak{component=tree,op=put}"], 5);
    assert_eq!(since["lsm_signed{component=tree,op=put}"], -8);

    let drained = metrics.drain();
    assert_counted(&drained, 8, 2);
    assert_eq!(drained["lsm_atomic{component=tree,op=put}"], 8);
    assert_counted(&metrics.snapshot(), 0, 0);
    assert_counted(&metrics.totals(), 8, 2);
    for name in ["peak", "atomic"] {
        let value =
            metrics.snapshot().member(&format!("lsm_{name}{{component=tree}}"), Op::Put).cloned();
        assert_eq!(value.unwrap(), 0, "{name}");
    }
    metrics.count(1);
    metrics.reset();
    let after = metrics.snapshot();
    assert_counted(&after, 0, 0);
    assert_counted(&metrics.totals(), 9, 3);
    assert_eq!(after["lsm_gauge{component=tree,op=get}"], -1, "a reset does not change a gauge");

    let keys = metrics.descriptors().iter().map(|metric| metric.series().to_string());
    assert!(keys.eq(after.iter().map(|(series, _)| series)));
}

#[test]
fn every_reading_of_a_family_of_any_instrument_has_each_member() {
    every_reading_has_each_member(&Box::default());
}

#[test]
fn a_published_file_has_the_readings_of_a_family_of_any_instrument() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tree.metrics");
    let metrics = Published::<TreeMetrics>::create(&path).unwrap();
    let reader = Reader::open(&path).unwrap();
    metrics.count(7);
    assert_counted(&reader.snapshot().unwrap(), 7, 1);
    metrics.reset();
    for n in [1, 2] {
        metrics.count(n);
        assert_eq!(reader.snapshot().unwrap(), metrics.snapshot());
        assert_eq!(reader.totals().unwrap(), metrics.totals());
        metrics.reset();
    }
    assert_counted(&reader.totals().unwrap(), 10, 3);
    let published = reader.metrics().iter().zip(metrics.descriptors());
    for (metric, descriptor) in published {
        assert_eq!(metric.series(), descriptor.series().to_string());
        assert_eq!((metric.unit(), metric.help()), (descriptor.unit(), descriptor.help()));
    }
    assert_eq!(reader.metrics().len(), metrics.descriptors().len());
}

/// Families, an error counter and a nested struct in a plain struct.
#[derive(Clone, Debug, Default, PartialEq, Metrics)]
#[metrics(storage = LogMetrics, prefix = "log_", labels(component = "log"))]
struct LogCounts {
    #[metrics(errors)]
    errors: Family<Tier, u64>,
    #[metrics(sharded)]
    requests: Family<(Op, Tier), u64>,
    #[metrics(sharded)]
    lookup: Family<Op, Distribution<Latency>>,
    #[metrics(padded, labels(queue = "flush"))]
    queued: Family<Op, i64>,
    ratio: Family<Op, f64>,
    #[metrics(flatten, prefix = "file_", labels(file = "wal"))]
    file: FileCounts,
}

#[derive(Clone, Debug, Default, PartialEq, Metrics)]
#[metrics(storage = FileMetrics)]
struct FileCounts {
    written: Family<Op, u64>,
    syncs: u64,
}

struct Log {
    metrics: Published<LogMetrics>,
}

impl Log {
    #[papyra_metrics::metrics(
        errors, errors_by = |_| Tier::Cold, calls = requests[(Op::Put, Tier::Hot)], time = lookup[Op::Put]
    )]
    fn append(&self) -> Result<(), String> {
        self.metrics.file.written[Op::Put].add(7);
        self.metrics.queued[Op::Get].set(-2);
        Err(String::new())
    }
}

#[test]
fn a_plain_struct_in_a_published_file_has_the_members_that_functions_count_in() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let log = Log { metrics: Published::create(&path).unwrap() };
    log.append().unwrap_err();
    let plain: LogCounts = log.metrics.read();
    assert_eq!(plain.errors[Tier::Cold], 1);
    assert_eq!(plain.requests[(Op::Put, Tier::Hot)], 1);
    assert_eq!(plain.requests[Op::Put][Tier::Cold], 0);
    assert_eq!(plain.lookup[Op::Put].count(), 1);
    assert_eq!((plain.queued[Op::Get], plain.file.written[Op::Put]), (-2, 7));
    let snapshot = Reader::open(&path).unwrap().snapshot().unwrap();
    assert_eq!(snapshot, Snapshot::from(&plain));
    assert_eq!(snapshot["log_file_written{component=log,file=wal,op=put}"], 7);
    assert_eq!(snapshot["log_queued{component=log,queue=flush,op=get}"], -2);
    log.metrics.reset();
    let after = log.metrics.read();
    assert_eq!(after, LogCounts { queued: plain.queued, ..LogCounts::default() });
}

#[test]
fn the_distributions_of_a_member_in_two_snapshots_are_merged() {
    let sync = |seconds| {
        let metrics = WalMetrics::default();
        metrics.sync[Op::Put].record(Duration::from_secs(seconds));
        metrics.snapshot().member("sync", Op::Put).unwrap().as_histogram().unwrap().clone()
    };
    let mut sum = sync(1);
    sum.merge(&sync(2)).unwrap();
    assert_eq!((sum.count(), sum.sum()), (2, 3.0));
}

/// Runs a closure in a thread whose stack has a size of `copies` values of type `T`. An overflow aborts the process.
fn with_stack_for<T>(copies: usize, run: fn()) {
    let stack = std::thread::Builder::new().stack_size(copies * size_of::<T>());
    stack.spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_large_family_is_created_with_few_copies_on_the_stack() {
    type Lookups = Family<(Op, Tier), ShardedHistogram>;
    with_stack_for::<Lookups>(6, || {
        let lookups = Box::<Lookups>::default();
        lookups[(Op::Put, Tier::Cold)].record(Duration::from_micros(1));
        assert_eq!(lookups.values().map(|lookup| lookup.get().count()).sum::<u64>(), 1);
    });
}
