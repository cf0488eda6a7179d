//! Families and fixed labels of derived structs, in descriptors, snapshots, totals and drains.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use papyra_metrics::publish::Published;
use papyra_metrics::{
    CachePadded, Counter, Descriptor, Distribution, Family, FloatGauge, Gauge, Histogram,
    IoErrorKind, Label, LabelValues, Latency, Metrics, Peak, ShardedCounter, ShardedHistogram,
    Snapshot,
};

#[derive(Clone, Copy, Debug, PartialEq, Label)]
enum Op {
    Get,
    Put,
}

#[derive(Clone, Copy, Debug, PartialEq, Label)]
#[metrics(label = "result", rename_all = "lowercase")]
enum Outcome {
    Ok,
    #[metrics(name = "not_found")]
    Missing,
    TimedOut,
}

/// An enum whose discriminants are not the positions of its variants.
#[derive(Clone, Copy, Debug, PartialEq, Label)]
enum Tier {
    Hot = 7,
    Cold = 3,
}

/// A label that is a struct, so that `Label` is implemented by hand.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Level(u8);

impl Label for Level {
    const LABELS: &'static [LabelValues] = &[LabelValues::new("level", &["0", "1", "2"])];
    type Members<T> = [T; 3];

    fn index(self) -> usize {
        self.0.into()
    }

    fn from_index(index: usize) -> Option<Self> {
        u8::try_from(index).ok().filter(|&level| level < 3).map(Self)
    }
}

fn keys(metrics: &dyn Metrics) -> Vec<String> {
    metrics.descriptors().iter().map(|metric| metric.series().to_string()).collect()
}

#[derive(Debug, Default, Metrics)]
struct StoreMetrics {
    opened: Counter,
    /// Requests.
    requests: Family<(Op, Outcome), Counter>,
    levels: Family<Level, Gauge>,
}

#[test]
fn every_member_of_a_family_is_a_series_even_at_zero() {
    let metrics = StoreMetrics::default();
    metrics.requests[(Op::Get, Outcome::Missing)].add(3);
    metrics.levels[Level(2)].set(-4);
    assert_eq!(
        metrics.snapshot().to_string(),
        "opened: 0\n\
         requests{op=get,result=ok}: 0\n\
         requests{op=get,result=not_found}: 3\n\
         requests{op=get,result=timedout}: 0\n\
         requests{op=put,result=ok}: 0\n\
         requests{op=put,result=not_found}: 0\n\
         requests{op=put,result=timedout}: 0\n\
         levels{level=0}: 0\nlevels{level=1}: 0\nlevels{level=2}: -4"
    );
    let descriptors = metrics.descriptors();
    assert!(descriptors[2].labels().eq([("op", "get"), ("result", "not_found")]));
    assert_eq!((descriptors[2].name(), descriptors[2].help()), ("requests", "Requests."));
    assert!(metrics.static_descriptors().is_some());
}

#[test]
fn snapshots_drains_resets_totals_and_differences_have_each_member() {
    let metrics = StoreMetrics::default();
    let earlier = metrics.snapshot();
    metrics.requests[(Op::Put, Outcome::Ok)].add(2);
    let label = (Op::Put, Outcome::Ok);
    assert_eq!(metrics.snapshot().since(&earlier).member("requests", label).unwrap(), &2);
    assert_eq!(metrics.drain()["requests{op=put,result=ok}"], 2);
    assert_eq!(metrics.snapshot()["requests{op=put,result=ok}"], 0);
    metrics.requests[label].inc();
    metrics.reset();
    assert_eq!(metrics.snapshot().member("requests", label).unwrap(), &0);
    assert_eq!(metrics.totals().member("requests", label).unwrap(), &3);
    assert_eq!(metrics.totals().member("requests", Op::Put), None);
    let json = serde_json::to_string(&metrics.totals()).unwrap();
    assert!(json.contains(r#""requests{op=put,result=ok}":3"#), "{json}");
    assert_eq!(serde_json::from_str::<Snapshot>(&json).unwrap(), metrics.totals());
}

#[test]
fn a_label_and_its_position_convert_to_each_other() {
    fn check<L: Label + PartialEq + std::fmt::Debug>() {
        let labels: Vec<L> = (0..).map_while(L::from_index).collect();
        assert_eq!(labels.len(), L::COUNT);
        let family: Family<L, usize> = Family::from_fn(Label::index);
        for (position, label) in labels.into_iter().enumerate() {
            assert_eq!((label.index(), family[label]), (position, position));
        }
        assert!(family.values().copied().eq(0..L::COUNT));
    }
    check::<Op>();
    check::<Outcome>();
    check::<Tier>();
    check::<Level>();
    check::<(Op, Tier)>();
    check::<(Level, Op, Outcome)>();
    check::<(Op, Level, Tier, Outcome)>();
    check::<(Op, (Tier, Level))>();
    check::<IoErrorKind>();
    assert_eq!(Tier::LABELS[0].values(), ["hot", "cold"]);
    let names: Vec<_> = <(Op, Level, Tier)>::LABELS.iter().map(LabelValues::name).collect();
    assert_eq!(names, ["op", "level", "tier"]);
}

#[test]
fn a_value_of_the_first_label_selects_a_row() {
    let pairs: Family<(Op, Outcome), Counter> = Family::new();
    pairs[Op::Put][Outcome::Missing].add(2);
    pairs[(Op::Put, Outcome::Ok)].inc();
    assert_eq!(pairs[(Op::Put, Outcome::Missing)].get(), 2);
    let puts = &pairs[Op::Put];
    assert_eq!(puts[Outcome::Ok].get(), 1);
    assert_eq!(puts.values().map(Counter::get).sum::<u64>(), 3);
    assert_eq!(pairs[Op::Get].values().map(Counter::get).sum::<u64>(), 0);
    let missing = puts.iter().find(|(outcome, _)| *outcome == Outcome::Missing);
    assert_eq!(missing.map(|(_, counter)| counter.get()), Some(2));

    let more: Family<(Op, Level, Tier, Outcome), Gauge> = Family::default();
    more[(Op::Put, Level(1), Tier::Cold, Outcome::Ok)].set(7);
    assert_eq!(more[Op::Put][(Level(1), Tier::Cold, Outcome::Ok)].get(), 7);
    let three: Family<(Op, Level, Tier), u64> =
        Family::from_fn(|label: (_, Level, _)| label.1.0.into());
    assert_eq!(three[Op::Get][(Level(1), Tier::Cold)], 1);
    let numbers = "{0,hot: 0, 0,cold: 0, 1,hot: 1, 1,cold: 1, 2,hot: 2, 2,cold: 2}";
    assert_eq!(format!("{:?}", three[Op::Put]), numbers);
}

#[test]
fn a_member_can_be_replaced_through_its_row_by_the_owner_of_the_family() {
    let mut requests = Family::<(Op, Tier, Outcome), u64>::default();
    requests[Op::Put][(Tier::Cold, Outcome::Missing)] = 3;
    requests[Op::Put][(Tier::Hot, Outcome::Ok)] += 2;
    requests[(Op::Get, Tier::Hot, Outcome::TimedOut)] = 1;
    let used = requests.iter().filter(|(_, count)| **count > 0);
    assert_eq!(
        used.collect::<Vec<_>>(),
        [
            ((Op::Get, Tier::Hot, Outcome::TimedOut), &1),
            ((Op::Put, Tier::Hot, Outcome::Ok), &2),
            ((Op::Put, Tier::Cold, Outcome::Missing), &3),
        ]
    );
}

#[test]
fn a_family_can_have_any_instrument_and_can_be_shared_or_padded() {
    #[derive(Default, Metrics)]
    struct Mixed {
        sharded: Family<Op, ShardedCounter>,
        latency: Family<Op, Histogram>,
        lookups: Box<Family<Op, ShardedHistogram<Latency>>>,
        ratio: Family<Op, FloatGauge>,
        depth: Family<Op, Peak>,
        level: Family<Op, AtomicI64>,
        padded: Family<Op, CachePadded<Counter>>,
        wrapped: CachePadded<Family<Op, Counter>>,
        shared: Arc<Family<Op, Arc<Counter>>>,
    }
    let metrics = Mixed::default();
    metrics.sharded[Op::Put].add(2);
    metrics.latency[Op::Put].record(Duration::from_millis(3));
    metrics.lookups[Op::Get].record(Duration::from_millis(3));
    metrics.ratio[Op::Put].set(0.5);
    metrics.depth[Op::Put].record(9);
    metrics.padded[Op::Put].inc();
    metrics.wrapped[Op::Put].inc();
    metrics.shared[Op::Put].inc();
    let snapshot = metrics.snapshot();
    assert_eq!(snapshot.len(), 18);
    assert_eq!(snapshot["sharded{op=put}"], 2);
    assert_eq!(snapshot["latency{op=put}"].as_histogram().unwrap().count(), 1);
    assert_eq!(snapshot["lookups{op=get}"].as_histogram().unwrap().count(), 1);
    assert_eq!(snapshot["ratio{op=put}"], 0.5);
    assert_eq!(snapshot["depth{op=put}"], 9);
    for family in ["padded", "wrapped", "shared"] {
        assert_eq!(snapshot.member(family, Op::Put).unwrap(), &1, "{family}");
    }
    let latency = metrics.descriptors().iter().find(|metric| metric.name() == "latency").unwrap();
    assert_eq!(latency.unit(), Some("seconds"));
}

#[test]
fn a_family_with_more_members_than_one_batch_is_read_in_order() {
    #[derive(Default, Metrics)]
    struct Many {
        errors: Family<(IoErrorKind, Level), Counter>,
    }
    let metrics = Many::default();
    let count = <(IoErrorKind, Level)>::COUNT;
    assert!(count > 64);
    for (i, (_, counter)) in metrics.errors.iter().enumerate() {
        counter.add(i as u64);
    }
    let values: Vec<_> = metrics.snapshot().iter().map(|(_, value)| value.as_u64()).collect();
    assert!(values.into_iter().eq((0..count as u64).map(Some)));
    metrics.reset();
    assert!(metrics.snapshot().iter().all(|(_, value)| *value == 0));
}

#[test]
fn families_are_const_and_inline() {
    #[derive(Metrics)]
    struct Static {
        requests: Family<(Op, Outcome), Counter>,
        latency: Family<Op, Histogram>,
    }
    static METRICS: Static = Static { requests: Family::new(), latency: Family::new() };
    METRICS.requests[(Op::Get, Outcome::Ok)].inc();
    assert_eq!(METRICS.snapshot()["requests{op=get,result=ok}"], 1);
    assert_eq!(size_of::<Family<(Op, Outcome), Counter>>(), 6 * size_of::<Counter>());
}

#[derive(Default, Metrics)]
struct Hits {
    hits: Counter,
    errors: Family<Op, Counter>,
}

#[test]
fn labels_of_metrics_structs_and_flattened_structs_are_joined_outermost_first() {
    #[derive(Default, Metrics)]
    #[metrics(prefix = "lsm_", labels(component = "cache"))]
    struct Cache {
        #[metrics(name = "lookups", labels(outcome = "hit"))]
        lookup_hits: Counter,
        #[metrics(name = "lookups", labels(outcome = "miss"))]
        lookup_misses: Counter,
        #[metrics(flatten, prefix = "block_", labels(type = "data", r#in = "ram"))]
        data: Hits,
        #[metrics(flatten, prefix = "block_", labels(type = "index", r#in = "ram"))]
        index: Hits,
    }
    #[derive(Default, Metrics)]
    struct Store {
        #[metrics(flatten, labels(db = "a"))]
        first: Cache,
        #[metrics(flatten, labels(db = "b"))]
        second: Option<Box<Cache>>,
    }
    let metrics = Store::default();
    metrics.first.index.errors[Op::Put].inc();
    assert_eq!(
        metrics.snapshot().to_string(),
        "lsm_lookups{db=a,component=cache,outcome=hit}: 0\n\
         lsm_lookups{db=a,component=cache,outcome=miss}: 0\n\
         lsm_block_hits{db=a,component=cache,type=data,in=ram}: 0\n\
         lsm_block_errors{db=a,component=cache,type=data,in=ram,op=get}: 0\n\
         lsm_block_errors{db=a,component=cache,type=data,in=ram,op=put}: 0\n\
         lsm_block_hits{db=a,component=cache,type=index,in=ram}: 0\n\
         lsm_block_errors{db=a,component=cache,type=index,in=ram,op=get}: 0\n\
         lsm_block_errors{db=a,component=cache,type=index,in=ram,op=put}: 1"
    );
    assert_eq!(keys(&metrics).len(), 16);
    assert!(keys(&metrics)[15].starts_with("lsm_block_errors{db=b,"));
    let snapshot = metrics.snapshot();
    let errors = "lsm_block_errors{db=a,component=cache,type=index,in=ram}";
    assert_eq!(snapshot.member(errors, Op::Put).unwrap(), &1);
    let hits = &metrics.descriptors()[2];
    assert_eq!((hits.name(), hits.prefix_len()), ("lsm_block_hits", "lsm_block_".len()));
}

#[test]
fn a_generic_struct_composes_the_same_series() {
    #[derive(Default, Metrics)]
    struct Generic<T: Metrics + 'static, I: papyra_metrics::Instrument + papyra_metrics::Member>
    where
        T: Default,
    {
        #[metrics(labels(tier = "hot"))]
        requests: Family<Op, I>,
        own: I,
        #[metrics(flatten, labels(component = "wal"))]
        nested: T,
    }
    let metrics = Generic::<Hits, Counter>::default();
    assert_eq!(
        keys(&metrics),
        [
            "requests{tier=hot,op=get}",
            "requests{tier=hot,op=put}",
            "own",
            "hits{component=wal}",
            "errors{component=wal,op=get}",
            "errors{component=wal,op=put}",
        ]
    );
    metrics.nested.errors[Op::Get].inc();
    assert_eq!(metrics.snapshot()["errors{component=wal,op=get}"], 1);
}

#[derive(Clone, Debug, Default, PartialEq, Metrics)]
#[metrics(storage = PlainMetrics, labels(component = "wal"))]
struct Plain {
    appends: u64,
    #[metrics(sharded)]
    requests: Family<Op, u64>,
    #[metrics(padded)]
    depth: Family<(Op, Tier), i64>,
    ratio: f64,
    latency: Distribution<Latency>,
    #[metrics(sharded)]
    lookups: Distribution<Latency>,
    by_op: Family<Op, Distribution<Latency>>,
}

#[test]
fn a_plain_struct_has_families_floats_and_distributions() {
    static METRICS: PlainMetrics = PlainMetrics::new();
    METRICS.appends.inc();
    METRICS.requests[Op::Put].add(2);
    METRICS.depth[(Op::Get, Tier::Cold)].set(-3);
    METRICS.ratio.set(0.25);
    METRICS.latency.record(Duration::from_millis(1));
    METRICS.lookups.record(Duration::from_millis(1));
    METRICS.by_op[Op::Get].record(Duration::from_millis(1));
    let plain: Plain = METRICS.read();
    assert_eq!((plain.appends, plain.requests[Op::Put], plain.requests[Op::Get]), (1, 2, 0));
    assert_eq!((plain.depth[(Op::Get, Tier::Cold)], plain.ratio), (-3, 0.25));
    assert_eq!((plain.latency.count(), plain.lookups.count()), (1, 1));
    assert_eq!(plain.by_op[Op::Get].count(), 1);
    assert_eq!(Snapshot::from(&plain), METRICS.snapshot());
    assert_eq!(METRICS.snapshot()["requests{component=wal,op=put}"], 2);
    assert_eq!(METRICS.snapshot().len(), keys(&METRICS).len());
    METRICS.reset();
    assert_eq!(METRICS.read().requests, Family::new());
}

#[test]
fn every_distribution_of_a_plain_struct_has_the_unit_of_its_buckets() {
    let metrics = PlainMetrics::new();
    for metric in metrics.descriptors() {
        let is_latency = ["latency", "lookups", "by_op"].contains(&metric.name());
        assert_eq!(metric.unit(), is_latency.then_some("seconds"), "{}", metric.name());
    }
}

#[test]
fn an_io_error_is_counted_under_its_kind() {
    #[derive(Default, Metrics)]
    struct LogMetrics {
        write_errors: Family<IoErrorKind, Counter>,
    }
    let metrics = LogMetrics::default();
    for (kind, expected) in [
        (io::ErrorKind::StorageFull, "storage_full"),
        (io::ErrorKind::NotFound, "not_found"),
        (io::ErrorKind::Other, "other"),
        (io::ErrorKind::AddrInUse, "other"),
    ] {
        let before = metrics.totals();
        metrics.write_errors[IoErrorKind::from(&io::Error::from(kind))].inc();
        let since = metrics.totals().since(&before);
        assert_eq!(since[&*format!("write_errors{{error_kind={expected}}}")], 1);
    }
    let full = io::Error::last_os_error();
    assert!(IoErrorKind::from(&full).index() < IoErrorKind::COUNT);
}

#[test]
fn a_published_struct_may_contain_families() {
    #[derive(Default, Metrics)]
    struct Shared {
        opened: Counter,
        #[metrics(labels(tier = "hot"))]
        requests: Family<Op, Counter>,
    }
    let dir = tempfile::tempdir().unwrap();
    let metrics = Published::<Shared>::create(dir.path().join("store.metrics")).unwrap();
    metrics.requests[Op::Put].add(4);
    assert_eq!(metrics.snapshot()["requests{tier=hot,op=put}"], 4);
}

#[test]
fn a_snapshot_of_families_allocates_once() {
    let metrics = StoreMetrics::default();
    metrics.snapshot();
    let info = allocation_counter::measure(|| {
        let snapshot = metrics.snapshot();
        assert!(snapshot.member("requests", (Op::Put, Outcome::Ok)).is_some());
    });
    assert_eq!(info.count_total, 1);
}

#[test]
fn hand_written_and_derived_descriptors_of_one_series_are_equal() {
    const GETS: Descriptor = Descriptor::counter("errors").with_labels(&[("op", "get")]);
    assert_eq!(Hits::default().descriptors()[1], GETS);
}
