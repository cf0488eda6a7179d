//! Measures increments of the members of a family, and reads of sharded counters. Except in one entry, the label value
//! that selects the member is known only at run time.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use opentelemetry::KeyValue;
use papyra_metrics::{Counter, Family, Label, ShardedCounter};

use crate::measure::{Entry, Subject};
use crate::peers::{HELP, OpenTelemetry};
use crate::subjects::{Line, US, far_apart, leak};

/// The length of the sequence of operations: long enough that the branch predictor does not learn it.
const LEN: usize = 1 << 12;

/// Declares an enum of the operations, which a contestant uses as its label.
macro_rules! operations {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        enum $name { Get, Put, Delete, Scan, Flush, Compact, Open, Close }

        impl $name {
            const ALL: [Self; 8] = [
                Self::Get, Self::Put, Self::Delete, Self::Scan, Self::Flush, Self::Compact, Self::Open, Self::Close,
            ];
        }
    };
}

operations!(
    #[derive(Label)]
    Op
);
/// The operations as the label of the crate `measured`, whose derive does not work in a macro such as `operations`.
#[derive(Clone, Copy, Debug, measured::FixedCardinalityLabel)]
enum MeasuredOp {
    Get,
    Put,
    Delete,
    Scan,
    Flush,
    Compact,
    Open,
    Close,
}

impl MeasuredOp {
    const ALL: [Self; 8] = [
        Self::Get,
        Self::Put,
        Self::Delete,
        Self::Scan,
        Self::Flush,
        Self::Compact,
        Self::Open,
        Self::Close,
    ];
}

operations!(
    #[derive(vise::EncodeLabelValue, vise::EncodeLabelSet)]
    #[metrics(label = "op", rename_all = "snake_case")]
    ViseOp
);

const NAMES: [&str; 8] = ["get", "put", "delete", "scan", "flush", "compact", "open", "close"];

#[derive(measured::LabelGroup)]
#[label(set = MeasuredOps)]
struct MeasuredLabels {
    op: MeasuredOp,
}

#[derive(Debug, vise::Metrics)]
struct ViseMetrics {
    /// Requests
    requests: vise::Family<ViseOp, vise::Counter>,
}

type Pairs = Vec<(String, String)>;

/// The label of fastmetrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct FastLabels(&'static str);

impl fastmetrics::raw::LabelSetSchema for FastLabels {
    fn names() -> Option<&'static [&'static str]> {
        Some(&["op"])
    }
}

/// Returns the subjects: one thread, and two threads that count in the same family.
pub fn all() -> [Subject; 2] {
    let alone = contestants(false);
    let mut by_two = vec![far_apart()];
    by_two.extend(contestants(true));
    [
        ("Increment a member of a family on one thread", alone),
        ("Increment members of one family on two threads", by_two),
    ]
    .map(|(name, entries)| Subject { name: name.into(), unit: "increment", units: 1, entries })
}

fn contestants(two: bool) -> Vec<Entry> {
    let numbers = [0, 1, 2, 3, 4, 5, 6, 7];
    let attributes = NAMES.map(|name| [KeyValue::new("op", name)]);
    let attributes: &'static [[KeyValue; 1]; 8] = leak(attributes);
    let pairs = NAMES.map(|name| leak(Pairs::from([("op".to_owned(), name.to_owned())])));
    let options = prometheus::Opts::new("requests", HELP);
    vec![
        entry(two, "one `AtomicU64`", numbers, Line(AtomicU64::new(0)), |c, _| {
            c.0.fetch_add(1, Relaxed);
        }),
        entry(
            two,
            "an array of `AtomicU64`, indexed by the label",
            numbers,
            Line::<[AtomicU64; 8]>::default(),
            |c, n| {
                c.0[n].fetch_add(1, Relaxed);
            },
        ),
        entry(two, US, Op::ALL, Line(Family::<Op, Counter>::new()), |f, op| f.0[op].inc()),
        entry(
            two,
            "papyra-metrics, label known at compile time",
            Op::ALL,
            Line(Family::<Op, Counter>::new()),
            |f, _| f.0[Op::Put].inc(),
        ),
        entry(
            two,
            "papyra-metrics, `Family<_, ShardedCounter>`",
            Op::ALL,
            Family::<Op, ShardedCounter>::new(),
            |f, op| f[op].inc(),
        ),
        entry(two, "fast-telemetry", numbers, fast_telemetry(), |set, n| set.inc(n)),
        entry(
            two,
            "fastmetrics",
            NAMES.map(FastLabels),
            fastmetrics::metrics::family::Family::<
                FastLabels,
                fastmetrics::metrics::counter::Counter,
            >::default(),
            |f, op| f.with_or_new(&op, |counter| counter.inc()),
        ),
        entry(
            two,
            "measured",
            MeasuredOp::ALL,
            measured::CounterVec::with_label_set(MeasuredOps::new()),
            |f, op| f.inc(MeasuredLabels { op }),
        ),
        entry(
            two,
            "opentelemetry_sdk",
            attributes.each_ref(),
            OpenTelemetry::new(1),
            |o, attributes| o.counters[0].add(1, attributes),
        ),
        entry(
            two,
            "prometheus",
            NAMES,
            prometheus::IntCounterVec::new(options, &["op"]).expect("the options are valid"),
            |f, op| f.with_label_values(&[op]).inc(),
        ),
        entry(
            two,
            "prometheus-client",
            pairs,
            prometheus_client::metrics::family::Family::<
                Pairs,
                prometheus_client::metrics::counter::Counter,
            >::default(),
            |f, op| {
                f.get_or_create(op).inc();
            },
        ),
        entry(two, "vise", ViseOp::ALL, ViseMetrics::default(), |f, op| {
            f.requests[&op].inc();
        }),
    ]
}

/// Returns an entry that increments members of a family in a random order.
fn entry<F: Sync + 'static, L: Copy + Sync + std::fmt::Debug + 'static>(
    two: bool,
    contestant: &'static str,
    labels: [L; 8],
    family: F,
    count: impl Fn(&F, L) + Copy + Sync + 'static,
) -> Entry {
    let family = leak(family);
    // The middle bits of a linear congruential generator with the multiplier of Knuth's MMIX.
    let mut random = 1_u64;
    let order: Vec<L> = (0..LEN)
        .map(|_| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            labels[(random >> 40) as usize % labels.len()]
        })
        .collect();
    let order: &'static [L; LEN] = leak(order.try_into().expect("there are `LEN` operations"));
    let run = move |first: usize, repeats: u64| {
        let end = first + usize::try_from(repeats).expect("a round has few repeats");
        for index in first..end {
            count(family, order[index % LEN]);
        }
    };
    if two {
        Entry::by_two(contestant, move |thread, repeats| run(thread * LEN / 2, repeats))
    } else {
        Entry::alone(contestant, move |repeats| run(0, repeats))
    }
}

/// Returns a set of counters that has a shard for each core.
fn fast_telemetry() -> fast_telemetry::CounterSet {
    let shards = std::thread::available_parallelism().map_or(1, usize::from);
    fast_telemetry::CounterSet::new(shards, NAMES.len())
}

#[derive(Clone, Copy, Label)]
pub enum Tens {
    T0,
    T1,
    T2,
    T3,
    T4,
    T5,
    T6,
    T7,
    T8,
    T9,
}

#[derive(Clone, Copy, Label)]
pub enum Ones {
    O0,
    O1,
    O2,
    O3,
    O4,
    O5,
    O6,
    O7,
    O8,
    O9,
}

/// The label of a family with a hundred members.
pub type TwoDigits = (Tens, Ones);

pub const MEMBERS: usize = TwoDigits::COUNT;

/// Returns the subject that reads sharded counters, which two cores have incremented.
pub fn read_sharded() -> Subject {
    let plain: &'static [AtomicU64; MEMBERS] = leak(std::array::from_fn(|_| AtomicU64::new(2)));
    let lone: &'static [ShardedCounter] =
        leak((0..MEMBERS).map(|_| ShardedCounter::new()).collect::<Vec<_>>());
    let family: &'static Family<TwoDigits, ShardedCounter> = leak(Family::default());
    let shards = std::thread::available_parallelism().map_or(1, usize::from);
    let fast: &'static [fast_telemetry::Counter] =
        leak((0..MEMBERS).map(|_| fast_telemetry::Counter::new(shards)).collect::<Vec<_>>());
    crate::measure::on_two_cores(|| {
        lone.iter().chain(family.values()).for_each(ShardedCounter::inc);
        fast.iter().for_each(|counter| counter.inc());
    });
    let entries = vec![
        sum("an array of 100 `AtomicU64`", || plain.iter().map(|c| c.load(Relaxed)).sum()),
        sum("papyra-metrics, `ShardedCounter`", || lone.iter().map(ShardedCounter::get).sum()),
        sum("papyra-metrics, `Family<_, ShardedCounter>`", || {
            family.values().map(ShardedCounter::get).sum()
        }),
        sum("fast-telemetry", || fast.iter().map(|c| c.sum() as u64).sum()),
    ];
    Subject { name: "Read 100 sharded counters".into(), unit: "reading of all", units: 1, entries }
}

fn sum(contestant: &'static str, read: impl Fn() -> u64 + 'static) -> Entry {
    Entry::alone(contestant, move |repeats| {
        for _ in 0..repeats {
            std::hint::black_box(read());
        }
    })
}
