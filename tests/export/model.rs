//! Random sequences of what an application does, and what each kind of reader then shows, compared with a naive model.
//!
//! The model knows sums, maps and lists, and shares no code with the crates that are tested. A failing sequence is
//! shrunk and printed with its seed. `PAPYRA_MODEL_CASES=100000 cargo test -p papyra-metrics-export-tests --test model`
//! runs more sequences than the default.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::env;
use std::hash::BuildHasher;
use std::net::UdpSocket;
use std::panic;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use opentelemetry::metrics::{Meter, MeterProvider as _};
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{SdkMeterProvider, Temporality};
use papyra_metrics::{Counter, Descriptor, Gauge, Kind, Metrics, Value, Walker};
use papyra_metrics_export::metrics::Facade;
use papyra_metrics_export::opentelemetry::OpenTelemetry;
use papyra_metrics_export::prometheus::{Format, Prometheus};
use papyra_metrics_export::statsd::StatsD;
use papyra_metrics_export::{Export, Progress, Registry, RegistryReader};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

mod sdk;

use sdk::SharedReader;

/// A metric, under its name in each export.
struct Metric {
    prometheus: &'static str,
    opentelemetry: &'static str,
    statsd: &'static str,
    help: &'static str,
    is_counter: bool,
}

const fn counter(
    prometheus: &'static str,
    opentelemetry: &'static str,
    statsd: &'static str,
    help: &'static str,
) -> Metric {
    Metric { prometheus, opentelemetry, statsd, help, is_counter: true }
}

const fn gauge(
    prometheus: &'static str,
    opentelemetry: &'static str,
    statsd: &'static str,
    help: &'static str,
) -> Metric {
    Metric { prometheus, opentelemetry, statsd, help, is_counter: false }
}

const METRICS: [Metric; 14] = [
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
];

#[derive(Default, Metrics)]
struct Log {
    /// Records \ appended.
    records: Counter,
    #[metrics(unit = "bytes")]
    bytes_written: Counter,
    open: Gauge,
}

/// Has metrics of [`Log`] in another order, one of them in a plain atomic.
#[derive(Default, Metrics)]
struct LaterLog {
    open: Gauge,
    scans: Counter,
    #[metrics(unit = "bytes")]
    bytes_written: Counter,
    /// Records \ appended.
    records: AtomicU64,
}

#[derive(Default, Metrics)]
struct Plain {
    compactions: AtomicU64,
    level: AtomicI64,
}

#[derive(Default, Metrics)]
struct Inner {
    hits: Counter,
    depth: Gauge,
}

#[derive(Default, Metrics)]
struct Outer {
    before: Counter,
    #[metrics(flatten, prefix = "inner_")]
    inner: Option<Inner>,
    after: Gauge,
}

#[derive(Default)]
struct Hand {
    a: Counter,
    b: Gauge,
    c: AtomicU64,
    d: Gauge,
}

const HAND: &[Descriptor] = &[
    Descriptor::counter("hand_a"),
    Descriptor::gauge("hand_b"),
    Descriptor::counter("hand_c"),
    Descriptor::gauge("hand_d"),
];

impl Metrics for Hand {
    fn descriptors(&self) -> &[Descriptor] {
        HAND
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
enum Backend {
    Log(Arc<Log>),
    LaterLog(Arc<LaterLog>),
    Plain(Arc<Plain>),
    Outer(Arc<Outer>),
    Hand(Arc<Hand>),
}

macro_rules! with_metrics {
    ($backend:expr, $metrics:ident => $result:expr) => {
        match $backend {
            Backend::Log($metrics) => $result,
            Backend::LaterLog($metrics) => $result,
            Backend::Plain($metrics) => $result,
            Backend::Outer($metrics) => $result,
            Backend::Hand($metrics) => $result,
        }
    };
}

impl Backend {
    fn new(kind: u8) -> Self {
        match kind {
            0 => Self::Log(Arc::default()),
            1 => Self::LaterLog(Arc::default()),
            2 => Self::Plain(Arc::default()),
            3 => Self::Outer(Arc::default()),
            4 => Self::Outer(Arc::new(Outer { inner: Some(Inner::default()), ..Outer::default() })),
            _ => Self::Hand(Arc::default()),
        }
    }

    /// Index of each metric in [`METRICS`], and whether a reset zeroes its total.
    fn metrics(&self) -> &'static [(usize, bool)] {
        match self {
            Self::Log(_) => &[(0, false), (1, false), (2, false)],
            Self::LaterLog(_) => &[(2, false), (3, false), (1, false), (0, true)],
            Self::Plain(_) => &[(4, true), (5, false)],
            Self::Outer(_) => &[(6, false), (7, false), (8, false), (9, false)],
            Self::Hand(_) => &[(10, false), (11, false), (12, true), (13, false)],
        }
    }

    fn is_absent(&self, metric: usize) -> bool {
        matches!(self, Self::Outer(outer) if outer.inner.is_none()) && matches!(metric, 7 | 8)
    }

    fn add(&self, metric: usize, n: u64) {
        match (self, metric) {
            (Self::Log(log), 0) => log.records.add(n),
            (Self::Log(log), _) => log.bytes_written.add(n),
            (Self::LaterLog(log), 0) => drop(log.records.fetch_add(n, Relaxed)),
            (Self::LaterLog(log), 1) => log.bytes_written.add(n),
            (Self::LaterLog(log), _) => log.scans.add(n),
            (Self::Plain(plain), _) => drop(plain.compactions.fetch_add(n, Relaxed)),
            (Self::Outer(outer), 6) => outer.before.add(n),
            (Self::Outer(outer), _) => outer.inner.as_ref().unwrap().hits.add(n),
            (Self::Hand(hand), 10) => hand.a.add(n),
            (Self::Hand(hand), _) => drop(hand.c.fetch_add(n, Relaxed)),
        }
    }

    fn set(&self, metric: usize, value: i64) {
        match (self, metric) {
            (Self::Log(log), _) => log.open.set(value),
            (Self::LaterLog(log), _) => log.open.set(value),
            (Self::Plain(plain), _) => plain.level.store(value, Relaxed),
            (Self::Outer(outer), 8) => outer.inner.as_ref().unwrap().depth.set(value),
            (Self::Outer(outer), _) => outer.after.set(value),
            (Self::Hand(hand), 11) => hand.b.set(value),
            (Self::Hand(hand), _) => hand.d.set(value),
        }
    }
}

const LABELS: [&[(&str, &str)]; 4] = [
    &[],
    &[("backend", "a")],
    &[("backend", "b"), ("zone", "a")],
    &[("backend", "ü\"\\\n"), ("zone", "")],
];
/// The labels as Prometheus shows them, and as StatsD does.
const LABELS_IN_PROMETHEUS: [&str; 4] =
    ["", "{backend=\"a\"}", "{backend=\"b\",zone=\"a\"}", "{backend=\"ü\\\"\\\\\\n\"}"];
const LABELS_IN_STATSD: [&str; 4] = ["", "|#backend:a", "|#backend:b,zone:a", "|#backend:____"];
const LABELS_IN_OTHERS: [&str; 4] = ["", "backend=a", "backend=b,zone=a", "backend=ü\"\\\n"];

#[derive(Clone, Debug)]
enum Step {
    /// Makes a backend of this kind and registers it.
    Open {
        kind: u8,
        labels: usize,
    },
    /// Registers a backend that the application holds, registered or not.
    Register {
        backend: usize,
        labels: usize,
    },
    Unregister {
        backend: usize,
    },
    Drop {
        backend: usize,
    },
    Count {
        backend: usize,
        metric: usize,
        n: u64,
    },
    Set {
        backend: usize,
        metric: usize,
        value: i64,
    },
    Reset {
        backend: usize,
    },
    Drain {
        backend: usize,
    },
    Read {
        reader: usize,
    },
    /// Reads again and again while one metric grows, more each time.
    Watch {
        reader: usize,
        backend: usize,
        metric: usize,
        n: u64,
        times: u32,
    },
    /// The second reader collects while the first one does, after something was counted in between.
    CollectAtOnce {
        first: usize,
        backend: usize,
        metric: usize,
        n: u64,
    },
}

const READERS: usize = 9;

fn step() -> impl Strategy<Value = Step> {
    let number = |digits: std::ops::Range<u32>| {
        (digits, any::<u64>()).prop_map(|(digits, n)| n % 10_u64.pow(digits + 1))
    };
    let backend = || 0..8_usize;
    let level = (number(0..19), any::<bool>(), any::<u8>()).prop_map(|(n, negative, rare)| {
        let level = i64::try_from(n % (1 << 63)).unwrap();
        match rare {
            0 => i64::MIN,
            1 => i64::MAX,
            _ if negative => -level,
            _ => level,
        }
    });
    prop_oneof![
        4 => (0..6_u8, 0..4_usize).prop_map(|(kind, labels)| Step::Open { kind, labels }),
        2 => (backend(), 0..4_usize)
            .prop_map(|(backend, labels)| Step::Register { backend, labels }),
        2 => backend().prop_map(|backend| Step::Unregister { backend }),
        3 => backend().prop_map(|backend| Step::Drop { backend }),
        8 => (backend(), 0..4_usize, number(0..17))
            .prop_map(|(backend, metric, n)| Step::Count { backend, metric, n }),
        3 => (backend(), 0..4_usize, level)
            .prop_map(|(backend, metric, value)| Step::Set { backend, metric, value }),
        1 => backend().prop_map(|backend| Step::Reset { backend }),
        1 => backend().prop_map(|backend| Step::Drain { backend }),
        9 => (0..READERS).prop_map(|reader| Step::Read { reader }),
        2 => (0..READERS, backend(), 0..4_usize, number(0..6), 1..12_u32).prop_map(
            |(reader, backend, metric, n, times)| Step::Watch { reader, backend, metric, n, times }
        ),
        2 => (0..2_usize, backend(), 0..4_usize, number(0..6)).prop_map(
            |(first, backend, metric, n)| Step::CollectAtOnce { first, backend, metric, n }
        ),
    ]
}

/// A backend in the model.
struct Object {
    backend: Backend,
    /// What each of its metrics would read now.
    raw: BTreeMap<usize, i128>,
    labels: Option<usize>,
}

#[derive(Clone, Default)]
struct Series {
    /// A counter's total or a gauge's value, once one was read.
    value: Option<i128>,
    /// The object behind it.
    open: Option<u64>,
    /// When the last one left.
    closed: u64,
}

/// Labels and metric.
type Key = (usize, usize);

/// What an application did, in sums, maps and lists.
#[derive(Default)]
struct Model {
    /// Those that the application holds.
    objects: BTreeMap<u64, Object>,
    next_object: u64,
    series: BTreeMap<Key, Series>,
    /// How much of an object's metric is part of a series.
    exported: BTreeMap<(u64, Key), i128>,
    closings: u64,
    /// How much was counted in all, which is kept below what an `i64` holds.
    counted: i128,
}

impl Model {
    fn id(&self, backend: usize) -> Option<u64> {
        self.objects.keys().nth(backend % self.objects.len().max(1)).copied()
    }

    fn metric(&self, id: u64, index: usize, is_counter: bool) -> Option<usize> {
        let backend = &self.objects[&id].backend;
        let metrics = backend.metrics().iter().map(|&(metric, _)| metric);
        let metrics: Vec<_> = metrics
            .filter(|&it| METRICS[it].is_counter == is_counter && !backend.is_absent(it))
            .collect();
        metrics.get(index % metrics.len().max(1)).copied()
    }

    fn add(&mut self, backend: usize, metric: usize, n: u64) {
        let Some(id) = self.id(backend) else { return };
        let Some(metric) = self.metric(id, metric, true) else { return };
        if self.counted + i128::from(n) > i128::from(i64::MAX) {
            return;
        }
        self.counted += i128::from(n);
        let object = self.objects.get_mut(&id).unwrap();
        object.backend.add(metric, n);
        *object.raw.get_mut(&metric).unwrap() += i128::from(n);
    }

    fn set(&mut self, backend: usize, metric: usize, value: i64) {
        let Some(id) = self.id(backend) else { return };
        let Some(metric) = self.metric(id, metric, false) else { return };
        let object = self.objects.get_mut(&id).unwrap();
        object.backend.set(metric, value);
        object.raw.insert(metric, i128::from(value));
    }

    fn reset(&mut self, backend: usize, reset: impl Fn(&Backend)) {
        let Some(id) = self.id(backend) else { return };
        let object = self.objects.get_mut(&id).unwrap();
        reset(&object.backend);
        for &(metric, resets) in object.backend.metrics() {
            if resets {
                object.raw.insert(metric, 0);
            }
        }
    }

    fn make(&mut self, kind: u8) -> u64 {
        let backend = Backend::new(kind);
        let raw = backend.metrics().iter().map(|&(metric, _)| (metric, 0)).collect();
        let id = self.next_object;
        self.next_object += 1;
        self.objects.insert(id, Object { backend, raw, labels: None });
        id
    }

    fn register(&mut self, registry: &Registry, id: u64, labels: usize) {
        let Object { backend, labels: registered, .. } = &self.objects[&id];
        let result = with_metrics!(backend, it => registry.register(it.clone(), LABELS[labels]));
        let keys: Vec<Key> =
            backend.metrics().iter().map(|&(metric, _)| (labels, metric)).collect();
        let is_open = |key| self.series.get(key).is_some_and(|series| series.open.is_some());
        let is_free = registered.is_none() && !keys.iter().any(is_open);
        assert_eq!(result.is_ok(), is_free, "register: {result:?}");
        if !is_free {
            return;
        }
        for key in keys {
            let series = self.series.entry(key).or_default();
            series.open = Some(id);
            if !METRICS[key.1].is_counter {
                series.value = None;
            }
        }
        self.objects.get_mut(&id).unwrap().labels = Some(labels);
    }

    /// Reads one object.
    fn observe(&mut self, id: u64) {
        let Object { backend, raw, labels } = &self.objects[&id];
        let Some(labels) = *labels else { return };
        for (&metric, &raw) in raw {
            if backend.is_absent(metric) {
                continue;
            }
            let key = (labels, metric);
            let series = self.series.get_mut(&key).unwrap();
            if METRICS[metric].is_counter {
                let before = self.exported.insert((id, key), raw).unwrap_or(0);
                let grown = if raw < before { raw } else { raw - before };
                series.value = Some(series.value.unwrap_or(0) + grown);
            } else {
                series.value = Some(raw);
            }
        }
    }

    fn observe_all(&mut self) {
        let ids: Vec<u64> = self.objects.keys().copied().collect();
        for id in ids {
            self.observe(id);
        }
    }

    /// Reads the object for the last time.
    fn close(&mut self, id: u64) {
        self.observe(id);
        self.closings += 1;
        for series in self.series.values_mut().filter(|series| series.open == Some(id)) {
            series.open = None;
            series.closed = self.closings;
        }
        self.objects.get_mut(&id).unwrap().labels = None;
    }

    fn unregister(&mut self, registry: &Registry, backend: usize) {
        let Some(id) = self.id(backend) else { return };
        let object = &self.objects[&id];
        let was_registered = with_metrics!(&object.backend, it => registry.unregister(it));
        assert_eq!(was_registered, object.labels.is_some(), "unregister");
        self.close(id);
    }

    fn drop(&mut self, backend: usize) {
        let Some(id) = self.id(backend) else { return };
        // What the registry reads after this has not changed since.
        self.close(id);
        self.objects.remove(&id);
    }

    /// What a reader shows that has seen all that was closed up to then.
    fn shown(&self, delivered: u64) -> BTreeMap<Key, i128> {
        let shown = self.series.iter().filter_map(|(&key, series)| {
            let is_shown = series.open.is_some() || series.closed > delivered;
            series.value.filter(|_| is_shown).map(|value| (key, value))
        });
        shown.collect()
    }

    /// The totals of all counters there ever were.
    fn totals(&self) -> BTreeMap<Key, i128> {
        let counters = self.series.iter().filter(|((_, metric), _)| METRICS[*metric].is_counter);
        counters.filter_map(|(&key, series)| Some((key, series.value?))).collect()
    }
}

/// A reader of any kind, beside what it has to show.
trait Reader {
    fn check(&mut self, model: &Model);
}

struct Plainly {
    reader: RegistryReader,
    delivered: u64,
}

impl Reader for Plainly {
    fn check(&mut self, model: &Model) {
        let read: Vec<_> = self
            .reader
            .read()
            .map(|sample| {
                let value = match *sample.value() {
                    Value::Counter(total) => i128::from(total),
                    Value::Gauge(value) => i128::from(value),
                    _ => panic!("{sample:?}"),
                };
                let labels = sample.labels().iter();
                let labels: Vec<_> =
                    labels.map(|(name, value)| format!("{name}={value}")).collect();
                let is_counter = sample.kind() == Kind::Counter;
                ((sample.name().to_owned(), labels.join(","), is_counter), value)
            })
            .collect();
        let expected: BTreeMap<_, _> = model
            .shown(self.delivered)
            .into_iter()
            .map(|((labels, metric), value)| {
                let Metric { prometheus, is_counter, .. } = METRICS[metric];
                ((prometheus.to_owned(), LABELS_IN_OTHERS[labels].to_owned(), is_counter), value)
            })
            .collect();
        assert_eq!(read.len(), expected.len(), "{read:?}");
        assert_eq!(read.into_iter().collect::<BTreeMap<_, _>>(), expected);
        self.delivered = model.closings;
    }
}

struct Scrape {
    prometheus: Prometheus,
    /// One after the other.
    formats: Vec<Format>,
    delivered: u64,
}

impl Reader for Scrape {
    fn check(&mut self, model: &Model) {
        self.formats.rotate_left(1);
        let format = self.formats[0];
        let mut text = String::from("before\n");
        self.prometheus.encode(format, &mut text);
        let body = text.strip_prefix("before\n").unwrap();
        let body = if format == Format::OpenMetrics {
            body.strip_suffix("# EOF\n").unwrap()
        } else {
            body
        };
        // Families in the order in which they came, each once, with all of its samples.
        let mut families: BTreeMap<&str, String> = BTreeMap::new();
        let mut lines = body.lines().peekable();
        while let Some(line) = lines.next() {
            let name = line.split(' ').nth(2).unwrap();
            let name = if format == Format::Text {
                name.strip_suffix("_total").unwrap_or(name)
            } else {
                name
            };
            let mut family = format!("{line}\n");
            let mut samples = Vec::new();
            let is_head =
                |line: &&str| line.split(' ').nth(2).unwrap().trim_end_matches("_total") == name;
            while let Some(line) = lines.next_if(|line| line.starts_with('#') && is_head(line)) {
                family.extend([line, "\n"]);
            }
            while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
                samples.push(format!("{line}\n"));
            }
            samples.sort();
            family.extend(samples);
            assert!(families.insert(name, family).is_none(), "{name} comes twice:\n{body}");
        }
        let mut expected: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for ((labels, metric), value) in model.shown(self.delivered) {
            let Metric { prometheus, is_counter, .. } = METRICS[metric];
            let (total, labels) =
                (if is_counter { "_total" } else { "" }, LABELS_IN_PROMETHEUS[labels]);
            let samples = expected.entry(prometheus).or_default();
            samples.push(format!("{prometheus}{total}{labels} {value}\n"));
        }
        let expected = expected.into_iter().map(|(name, mut samples)| {
            let metric = METRICS.iter().find(|metric| metric.prometheus == name).unwrap();
            let (kind, total) =
                if metric.is_counter { ("counter", "_total") } else { ("gauge", "") };
            let help = metric.help;
            samples.sort();
            let head = match format {
                Format::Text => {
                    format!("# HELP {name}{total} {help}\n# TYPE {name}{total} {kind}\n")
                }
                _ if name.ends_with("_bytes") => {
                    format!("# TYPE {name} {kind}\n# UNIT {name} bytes\n# HELP {name} {help}\n")
                }
                _ => format!("# TYPE {name} {kind}\n# HELP {name} {help}\n"),
            };
            (name, head + &samples.concat())
        });
        assert_eq!(families, expected.collect());
        self.delivered = model.closings;
    }
}

struct Datagrams {
    daemon: UdpSocket,
    statsd: StatsD,
    totals: BTreeMap<String, i128>,
    delivered: u64,
}

impl Reader for Datagrams {
    fn check(&mut self, model: &Model) {
        while self.statsd.export().unwrap() == Progress::More {}
        let mut gauges = BTreeMap::new();
        let mut datagram = [0; 2000];
        while let Ok(len) = self.daemon.recv(&mut datagram) {
            for line in std::str::from_utf8(&datagram[..len]).unwrap().lines() {
                let (name, value) = line.split_once(':').unwrap();
                let (value, rest) = value.split_once('|').unwrap();
                let name = format!("{name}{}", &rest[1..]);
                let value: i128 = value.parse().unwrap();
                if rest.starts_with('c') {
                    *self.totals.entry(name).or_default() += value;
                } else if value < 0 {
                    // A sign means a change, of the zero that came before it.
                    let before = gauges.insert(name, value);
                    assert_eq!(before, Some(0), "{line}");
                } else {
                    gauges.insert(name, value);
                }
            }
        }
        let name = |(labels, metric): Key| {
            let metric: &Metric = &METRICS[metric];
            format!("{}{}", metric.statsd, LABELS_IN_STATSD[labels])
        };
        let totals = model.totals().into_iter().filter(|&(_, total)| total > 0);
        assert_eq!(self.totals, totals.map(|(key, total)| (name(key), total)).collect());
        let shown = model.shown(self.delivered).into_iter();
        let shown = shown.filter(|((_, metric), _)| !METRICS[*metric].is_counter);
        assert_eq!(gauges, shown.map(|(key, value)| (name(key), value)).collect());
        self.delivered = model.closings;
    }
}

struct Recorded {
    facade: Facade,
    snapshotter: Snapshotter,
    totals: BTreeMap<(String, String), i128>,
    delivered: u64,
}

impl Reader for Recorded {
    fn check(&mut self, model: &Model) {
        self.facade.export().unwrap();
        let mut gauges = BTreeMap::new();
        for (key, _, _, value) in self.snapshotter.snapshot().into_vec() {
            let key = key.key();
            let labels: Vec<_> =
                key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
            let name = (key.name().to_owned(), labels.join(","));
            match value {
                DebugValue::Counter(grown) => {
                    *self.totals.entry(name).or_default() += i128::from(grown);
                }
                DebugValue::Gauge(value) => drop(gauges.insert(name, value.0)),
                DebugValue::Histogram(_) => panic!("{name:?} is a histogram"),
            }
        }
        let name = |(labels, metric): Key| {
            let Metric { prometheus, is_counter, .. } = METRICS[metric];
            let total = if is_counter { "_total" } else { "" };
            (format!("{prometheus}{total}"), LABELS_IN_OTHERS[labels].to_owned())
        };
        let totals = model.totals().into_iter();
        assert_eq!(self.totals, totals.map(|(key, total)| (name(key), total)).collect());
        // The recorder shows zero for what was not set since the last snapshot.
        gauges.retain(|_, value| *value != 0.0);
        let shown = model.shown(self.delivered).into_iter();
        let shown = shown.filter(|&((_, metric), value)| !METRICS[metric].is_counter && value != 0);
        #[allow(clippy::cast_precision_loss)] // the facade's gauges are floats
        let expected = shown.map(|(key, value)| (name(key), value as f64)).collect();
        assert_eq!(gauges, expected);
        self.delivered = model.closings;
    }
}

/// What a receiver behind one reader of the SDK adds up.
struct Collector {
    reader: SharedReader,
    totals: BTreeMap<(String, String), i128>,
    gauges: BTreeMap<(String, String), i128>,
}

impl Collector {
    fn new(temporality: Temporality) -> Self {
        let (totals, gauges) = Default::default();
        Self { reader: SharedReader::new(temporality), totals, gauges }
    }

    fn collect(&mut self) {
        let mut collected = ResourceMetrics::default();
        self.reader.collect(&mut collected).unwrap();
        self.gauges.clear();
        let mut names = Vec::new();
        for metric in collected.scope_metrics().flat_map(ScopeMetrics::metrics) {
            names.push(metric.name().to_owned());
            match metric.data() {
                AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                    assert!(sum.is_monotonic());
                    let adds = sum.temporality() == Temporality::Delta;
                    for point in sum.data_points() {
                        let name = name(metric.name(), point.attributes());
                        let total = self.totals.entry(name).or_default();
                        let value = i128::from(point.value());
                        assert!(adds || value >= *total, "{} fell to {value}", metric.name());
                        *total = if adds { *total + value } else { value };
                    }
                }
                AggregatedMetrics::I64(MetricData::Gauge(gauge)) => {
                    for point in gauge.data_points() {
                        let name = name(metric.name(), point.attributes());
                        self.gauges.insert(name, point.value().into());
                    }
                }
                // Not ours.
                AggregatedMetrics::U64(MetricData::Gauge(_)) => {}
                other => panic!("{} is {other:?}", metric.name()),
            }
        }
        let len = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), len, "an instrument is there twice");
    }

    /// Nothing may be more than that.
    fn is_at_most(&self, model: &Model) {
        let expected = named(model.totals());
        for (name, total) in &self.totals {
            let expected = expected.get(name).copied().unwrap_or(0);
            assert!(*total <= expected, "{name:?} is {total}, of {expected}");
        }
    }

    fn is_at_least(&self, totals: BTreeMap<Key, i128>) {
        for (name, expected) in named(totals) {
            let total = self.totals.get(&name).copied().unwrap_or(0);
            assert!(total >= expected, "{name:?} is {total}, of at least {expected}");
        }
    }

    fn is(&self, model: &Model) {
        assert_eq!(self.totals, named(model.totals()));
        // The SDK has each reader's callbacks write into all readers, so that one of them sees an earlier value of
        // what is closed once more.
        let open = model
            .series
            .iter()
            .filter(|((_, metric), series)| !METRICS[*metric].is_counter && series.open.is_some());
        let open = named(open.filter_map(|(&key, series)| Some((key, series.value?))).collect());
        for (name, value) in open {
            assert_eq!(self.gauges.get(&name), Some(&value), "{name:?}");
        }
    }
}

fn name<'a>(
    name: &str,
    attributes: impl Iterator<Item = &'a opentelemetry::KeyValue>,
) -> (String, String) {
    let mut attributes: Vec<_> =
        attributes.map(|attribute| format!("{}={}", attribute.key, attribute.value)).collect();
    attributes.sort();
    (name.to_owned(), attributes.join(","))
}

fn named(series: BTreeMap<Key, i128>) -> BTreeMap<(String, String), i128> {
    let series = series.into_iter().map(|((labels, metric), value)| {
        ((METRICS[metric].opentelemetry.to_owned(), LABELS_IN_OTHERS[labels].to_owned()), value)
    });
    series.collect()
}

type Interruption = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// The SDK with a cumulative and a delta reader.
struct Telemetry {
    _provider: SdkMeterProvider,
    meter: Meter,
    _exported: OpenTelemetry,
    collectors: [Collector; 2],
    /// What happens next between two callbacks of a collection.
    interruption: Interruption,
    interruptions: usize,
}

impl Telemetry {
    fn new(registry: &Registry) -> Self {
        let collectors = [Temporality::Cumulative, Temporality::Delta].map(Collector::new);
        let provider = SdkMeterProvider::builder()
            .with_reader(collectors[0].reader.clone())
            .with_reader(collectors[1].reader.clone())
            .build();
        let meter = provider.meter("papyra");
        let exported = OpenTelemetry::new(registry, &meter);
        let interruption = Interruption::default();
        Self {
            _provider: provider,
            meter,
            _exported: exported,
            collectors,
            interruption,
            interruptions: 0,
        }
    }

    /// Makes room for an interruption after the instruments that there are.
    fn interrupt_here(&mut self) {
        if self.interruptions == 3 {
            return;
        }
        self.interruptions += 1;
        let interruption = Arc::clone(&self.interruption);
        self.meter
            .u64_observable_gauge(format!("interruption.{}", self.interruptions))
            .with_callback(move |_| {
                let interruption = interruption.lock().unwrap().take();
                if let Some(interrupt) = interruption {
                    interrupt();
                }
            })
            .build();
    }

    /// Has one reader collect, and the other one in the middle of that, after something else has happened.
    fn collect_at_once(
        &mut self,
        mut model: Model,
        first: usize,
        happen: impl FnOnce(&mut Model) + Send + 'static,
    ) -> Model {
        model.observe_all();
        let before = model.totals();
        let [one, other] = &mut self.collectors;
        let (first, second) = if first == 0 { (one, other) } else { (other, one) };
        let reader = second.reader.clone();
        let totals = second.totals.clone();
        let mut state = (model, Collector { reader, totals, gauges: BTreeMap::new() });
        let (done, result) = std::sync::mpsc::channel();
        let interrupt = move || {
            let (model, second) = &mut state;
            happen(model);
            model.observe_all();
            second.collect();
            done.send(state).unwrap();
        };
        *self.interruption.lock().unwrap() = Some(Box::new(interrupt));
        first.collect();
        // There may have been nothing to interrupt.
        let interrupt = self.interruption.lock().unwrap().take();
        let was_interrupted = interrupt.is_none();
        if let Some(interrupt) = interrupt {
            interrupt();
        }
        let (model, collected) = result.try_recv().unwrap();
        *second = collected;
        second.is(&model);
        first.is_at_least(before);
        if was_interrupted {
            first.is_at_most(&model);
        }
        model
    }
}

type Readers = [Box<dyn Reader>; READERS - 2];

/// Has one of the readers read, and compares.
fn read(model: &mut Model, reader: usize, readers: &mut Readers, telemetry: &mut Telemetry) {
    model.observe_all();
    if let Some(reader) = readers.get_mut(reader) {
        reader.check(model);
    } else {
        let collector = &mut telemetry.collectors[reader - readers.len()];
        collector.collect();
        collector.is(model);
    }
}

fn run(steps: &[Step]) {
    let registry = Registry::with_prefix("p.q").unwrap();
    let mut model = Model::default();
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    daemon.set_nonblocking(true).unwrap();
    let statsd = StatsD::udp(&registry, daemon.local_addr().unwrap()).unwrap().tags();
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let scrape = |formats: &[Format]| Scrape {
        prometheus: Prometheus::new(&registry),
        formats: formats.to_vec(),
        delivered: 0,
    };
    let plainly = || Plainly { reader: RegistryReader::new(&registry), delivered: 0 };
    let mut readers: Readers = [
        Box::new(plainly()),
        Box::new(plainly()),
        Box::new(scrape(&[Format::Text])),
        Box::new(scrape(&[Format::OpenMetrics])),
        Box::new(scrape(&[Format::Text, Format::OpenMetrics])),
        Box::new(Datagrams { daemon, statsd, totals: BTreeMap::new(), delivered: 0 }),
        Box::new(Recorded {
            facade: Facade::with_recorder(&registry, recorder),
            snapshotter,
            totals: BTreeMap::new(),
            delivered: 0,
        }),
    ];
    let mut telemetry = Telemetry::new(&registry);
    let last = (0..READERS).map(|reader| Step::Read { reader });
    for step in steps.iter().cloned().chain(last) {
        match step {
            Step::Open { kind, labels } => {
                if model.objects.len() < 8 {
                    let id = model.make(kind);
                    model.register(&registry, id, labels);
                    telemetry.interrupt_here();
                }
            }
            Step::Register { backend, labels } => {
                if let Some(id) = model.id(backend) {
                    model.register(&registry, id, labels);
                }
            }
            Step::Unregister { backend } => model.unregister(&registry, backend),
            Step::Drop { backend } => model.drop(backend),
            Step::Count { backend, metric, n } => model.add(backend, metric, n),
            Step::Set { backend, metric, value } => model.set(backend, metric, value),
            Step::Reset { backend } => {
                model.reset(backend, |it| with_metrics!(it, it => it.reset()));
            }
            Step::Drain { backend } => {
                model.reset(backend, |it| with_metrics!(it, it => drop(it.drain())));
            }
            Step::Read { reader } => {
                read(&mut model, reader, &mut readers, &mut telemetry);
            }
            Step::Watch { reader, backend, metric, n, times } => {
                for time in 0..times {
                    model.add(backend, metric, n << (3 * time));
                    read(&mut model, reader, &mut readers, &mut telemetry);
                }
            }
            Step::CollectAtOnce { first, backend, metric, n } => {
                model = telemetry.collect_at_once(model, first, move |model| {
                    model.add(backend, metric, n);
                });
            }
        }
    }
    let problems = registry.problems();
    assert!(problems.is_empty(), "{problems:?}");
}

#[test]
fn every_reader_shows_what_a_naive_model_shows() {
    let number = |name, otherwise: u64| env::var(name).map_or(otherwise, |it| it.parse().unwrap());
    let cases = u32::try_from(number("PAPYRA_MODEL_CASES", 1500)).unwrap();
    let seed = number("PAPYRA_MODEL_SEED", RandomState::new().hash_one(0));
    let mut bytes = [1; 16];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let random = TestRng::from_seed(RngAlgorithm::XorShift, &bytes);
    let mut runner = TestRunner::new_with_rng(config, random);
    let steps = proptest::collection::vec(step(), 1..60);
    // Each sequence that is tried while one is shrunk panics too, and says nothing new.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = runner.run(&steps, |steps| {
        let failure = panic::catch_unwind(|| run(&steps));
        failure.map_err(|panic| {
            let message = panic.downcast_ref::<String>().cloned();
            let message = message.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            TestCaseError::fail(message.unwrap_or_default())
        })
    });
    panic::set_hook(hook);
    if let Err(failure) = result {
        panic!("PAPYRA_MODEL_SEED={seed} shows this again: {failure}");
    }
}
