//! The kinds of backends that the random sequences create, and the names of their metrics in each export.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use papyra_metrics::{Counter, Descriptor, Gauge, Histogram, Metrics, Walker, buckets};

/// A metric, with its name in each export.
pub(crate) struct Metric {
    pub(crate) prometheus: &'static str,
    pub(crate) opentelemetry: &'static str,
    pub(crate) statsd: &'static str,
    pub(crate) help: &'static str,
    /// Whether the metric is a total. In the model, a histogram is several totals: the count of each bucket, and the sum.
    pub(crate) is_counter: bool,
    /// The part of a histogram that this metric represents. `None` if the metric is not part of a histogram.
    pub(crate) part: Option<Part>,
}

/// A part of a histogram.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Bucket(usize),
    Sum,
}

impl Metric {
    /// Returns the suffix by which the model distinguishes this part from the other parts of the histogram. Returns an
    /// empty string if the metric is not part of a histogram.
    pub(crate) fn part_suffix(&self) -> String {
        self.part.map_or_else(String::new, part_suffix)
    }
}

pub(crate) fn part_suffix(part: Part) -> String {
    match part {
        Part::Bucket(bucket) => format!(" bucket {bucket}"),
        Part::Sum => " sum".to_owned(),
    }
}

/// Returns the index of the bucket that contains a value.
pub(crate) fn bucket_of(value: f64) -> usize {
    [10.0, 100.0].partition_point(|&bound| bound < value)
}

const fn counter(
    prometheus: &'static str,
    opentelemetry: &'static str,
    statsd: &'static str,
    help: &'static str,
) -> Metric {
    Metric { prometheus, opentelemetry, statsd, help, is_counter: true, part: None }
}

const fn gauge(
    prometheus: &'static str,
    opentelemetry: &'static str,
    statsd: &'static str,
    help: &'static str,
) -> Metric {
    Metric { prometheus, opentelemetry, statsd, help, is_counter: false, part: None }
}

const fn sizes(part: Part) -> Metric {
    let sizes = counter("p_q_sizes_bytes", "p.q.sizes", "p.q.sizes_bytes", "sizes bytes");
    Metric { part: Some(part), ..sizes }
}

/// The index in [`METRICS`] of the histogram's first bucket.
const FIRST_BUCKET: usize = 14;
pub(crate) const SUM: usize = 17;
/// The values that the application records in the histogram, one for each bucket.
pub(crate) const SIZES: [u64; 3] = [5, 70, 1000];

buckets!(pub(crate) Few: u64 = [10, 100], unit = "bytes");

pub(crate) const METRICS: [Metric; 18] = [
    counter("p_q_records", "p.q.records", "p.q.records", "Records \\\\ appended."),
    counter("p_q_written_bytes", "p.q.written", "p.q.written_bytes", "written bytes"),
    gauge("p_q_open", "p.q.open", "p.q.open", "open"),
    counter("p_q_scans", "p.q.scans", "p.q.scans", "scans"),
    counter("p_q_compactions", "p.q.compactions", "p.q.compactions", "compactions"),
    gauge("p_q_level", "p.q.level", "p.q.level", "level"),
    counter("p_q_before", "p.q.before", "p.q.before", "before"),
    counter("p_q_inner_hits", "p.q.inner_hits", "p.q.inner_hits", "inner hits"),
    gauge("p_q_inner_depth", "p.q.inner_depth", "p.q.inner_depth", "inner depth"),
    gauge("p_q_after", "p.q.after", "p.q.after", "after"),
    counter("p_q_hand_a", "p.q.hand_a", "p.q.hand_a", "hand a"),
    gauge("p_q_hand_b", "p.q.hand_b", "p.q.hand_b", "hand b"),
    counter("p_q_hand_c", "p.q.hand_c", "p.q.hand_c", "hand c"),
    gauge("p_q_hand_d", "p.q.hand_d", "p.q.hand_d", "hand d"),
    sizes(Part::Bucket(0)),
    sizes(Part::Bucket(1)),
    sizes(Part::Bucket(2)),
    sizes(Part::Sum),
];

#[derive(Default, Metrics)]
pub(crate) struct Log {
    /// Records \ appended.
    pub(crate) records: Counter,
    #[metrics(unit = "bytes")]
    pub(crate) bytes_written: Counter,
    pub(crate) open: Gauge,
}

/// A backend that has the metrics of [`Log`] in another order, and a further counter. Here, `records` is a plain
/// atomic.
#[derive(Default, Metrics)]
pub(crate) struct LaterLog {
    pub(crate) open: Gauge,
    pub(crate) scans: Counter,
    #[metrics(unit = "bytes")]
    pub(crate) bytes_written: Counter,
    /// Records \ appended.
    pub(crate) records: AtomicU64,
}

#[derive(Default, Metrics)]
pub(crate) struct Plain {
    pub(crate) compactions: AtomicU64,
    pub(crate) level: AtomicI64,
}

#[derive(Default, Metrics)]
pub(crate) struct Inner {
    pub(crate) hits: Counter,
    pub(crate) depth: Gauge,
}

#[derive(Default, Metrics)]
pub(crate) struct Outer {
    pub(crate) before: Counter,
    #[metrics(flatten, prefix = "inner_")]
    pub(crate) inner: Option<Inner>,
    pub(crate) after: Gauge,
}

/// A backend with a histogram, and with the counter `scans`, which [`LaterLog`] has too.
#[derive(Default, Metrics)]
pub(crate) struct Records {
    pub(crate) sizes: Histogram<Few>,
    pub(crate) scans: Counter,
}

/// A backend with a hand-written implementation of `Metrics`.
#[derive(Default)]
pub(crate) struct HandWritten {
    pub(crate) a: Counter,
    pub(crate) b: Gauge,
    pub(crate) c: AtomicU64,
    pub(crate) d: Gauge,
}

pub(crate) const HAND_WRITTEN: &[Descriptor] = &[
    Descriptor::counter("hand_a"),
    Descriptor::gauge("hand_b"),
    Descriptor::counter("hand_c"),
    Descriptor::gauge("hand_d"),
];

impl Metrics for HandWritten {
    fn descriptors(&self) -> &[Descriptor] {
        HAND_WRITTEN
    }

    fn walk(&self, walker: &mut dyn Walker) {
        walker.instrument(&self.a);
        walker.gauges(&[&self.b]);
        walker.instrument(&self.c);
        walker.metric(Some(&self.d));
    }
}

/// A backend as the application holds it.
#[derive(Clone)]
pub(crate) enum Backend {
    Log(Arc<Log>),
    LaterLog(Arc<LaterLog>),
    Plain(Arc<Plain>),
    Outer(Arc<Outer>),
    HandWritten(Arc<HandWritten>),
    Records(Arc<Records>),
}

macro_rules! with_metrics {
    ($backend:expr, $metrics:ident => $result:expr) => {
        match $backend {
            Backend::Log($metrics) => $result,
            Backend::LaterLog($metrics) => $result,
            Backend::Plain($metrics) => $result,
            Backend::Outer($metrics) => $result,
            Backend::HandWritten($metrics) => $result,
            Backend::Records($metrics) => $result,
        }
    };
}

pub(crate) use with_metrics;

impl Backend {
    pub(crate) fn new(kind: u8) -> Self {
        match kind {
            0 => Self::Log(Arc::default()),
            1 => Self::LaterLog(Arc::default()),
            2 => Self::Plain(Arc::default()),
            3 => Self::Outer(Arc::default()),
            4 => Self::Outer(Arc::new(Outer { inner: Some(Inner::default()), ..Outer::default() })),
            5 => Self::HandWritten(Arc::default()),
            _ => Self::Records(Arc::default()),
        }
    }

    /// Returns the index of each metric of this backend in [`METRICS`], and whether a reset sets the total of the
    /// metric to zero.
    pub(crate) fn metrics(&self) -> &'static [(usize, bool)] {
        match self {
            Self::Log(_) => &[(0, false), (1, false), (2, false)],
            Self::LaterLog(_) => &[(2, false), (3, false), (1, false), (0, true)],
            Self::Plain(_) => &[(4, true), (5, false)],
            Self::Outer(_) => &[(6, false), (7, false), (8, false), (9, false)],
            Self::Records(_) => &[(14, false), (15, false), (16, false), (SUM, false), (3, false)],
            Self::HandWritten(_) => &[(10, false), (11, false), (12, true), (13, false)],
        }
    }

    pub(crate) fn is_absent(&self, metric: usize) -> bool {
        matches!(self, Self::Outer(outer) if outer.inner.is_none()) && matches!(metric, 7 | 8)
    }

    pub(crate) fn add(&self, metric: usize, n: u64) {
        match (self, metric) {
            (Self::Log(log), 0) => log.records.add(n),
            (Self::Log(log), _) => log.bytes_written.add(n),
            (Self::LaterLog(log), 0) => drop(log.records.fetch_add(n, Relaxed)),
            (Self::LaterLog(log), 1) => log.bytes_written.add(n),
            (Self::LaterLog(log), _) => log.scans.add(n),
            (Self::Plain(plain), _) => drop(plain.compactions.fetch_add(n, Relaxed)),
            (Self::Outer(outer), 6) => outer.before.add(n),
            (Self::Outer(outer), _) => outer.inner.as_ref().unwrap().hits.add(n),
            (Self::Records(records), 3) => records.scans.add(n),
            (Self::Records(records), bucket) => {
                records.sizes.record_n(SIZES[bucket - FIRST_BUCKET], n);
            }
            (Self::HandWritten(hand), 10) => hand.a.add(n),
            (Self::HandWritten(hand), _) => drop(hand.c.fetch_add(n, Relaxed)),
        }
    }

    pub(crate) fn set(&self, metric: usize, value: i64) {
        match (self, metric) {
            (Self::Log(log), _) => log.open.set(value),
            (Self::LaterLog(log), _) => log.open.set(value),
            (Self::Plain(plain), _) => plain.level.store(value, Relaxed),
            (Self::Outer(outer), 8) => outer.inner.as_ref().unwrap().depth.set(value),
            (Self::Outer(outer), _) => outer.after.set(value),
            (Self::Records(_), _) => panic!("no gauge"),
            (Self::HandWritten(hand), 11) => hand.b.set(value),
            (Self::HandWritten(hand), _) => hand.d.set(value),
        }
    }
}

pub(crate) const LABELS: [&[(&str, &str)]; 4] = [
    &[],
    &[("backend", "a")],
    &[("backend", "b"), ("zone", "a")],
    &[("backend", "ü\"\\\n"), ("zone", "")],
];
/// [`LABELS`] in the notation of Prometheus.
pub(crate) const LABELS_IN_PROMETHEUS: [&str; 4] =
    ["", "{backend=\"a\"}", "{backend=\"b\",zone=\"a\"}", "{backend=\"ü\\\"\\\\\\n\"}"];
pub(crate) const LABELS_IN_STATSD: [&str; 4] =
    ["", "|#backend:a", "|#backend:b,zone:a", "|#backend:____"];
pub(crate) const LABELS_IN_OTHERS: [&str; 4] =
    ["", "backend=a", "backend=b,zone=a", "backend=ü\"\\\n"];
