//! The subjects that are measured, and the code of each contestant.

use std::cell::Cell;
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use papyra_metrics::{CachePadded, Counter, Descriptor, Metrics, ShardedCounter, Value};

use crate::functions::{Bare, Metered, Ours, poll};
use crate::measure::{COPIES, Entry, Subject, shift_addresses};
use crate::ours::{ByHand, Exported, Hundred, Ten, Thousand};
use crate::peers::{
    Fastmetrics, Measured, MeasuredPair, MetricsExporter, MetricsUtil, OpenTelemetry, Prometheus,
    PrometheusClient, Text, TextBaseline, Vise,
};

pub const US: &str = "papyra-metrics";

/// Returns all subjects, in the order of the report.
pub fn all() -> Vec<Subject> {
    let mut subjects = vec![increment(), two_threads(), neighbours(), read_one()];
    subjects.push(crate::families::read_sharded());
    subjects.extend(crate::families::all());
    subjects.extend(crate::histograms::all());
    subjects.push(build());
    subjects.extend([read::<Ten>(), read::<Hundred>(), read::<Thousand>()]);
    subjects.extend([visit::<Ten>(), visit::<Hundred>(), visit::<Thousand>()]);
    for encode in [encode::<Ten>, encode::<Hundred>, encode::<Thousand>] {
        subjects.extend([encode(false), encode(true)]);
    }
    subjects.extend(crate::otlp::all());
    subjects.extend([function(), async_function()]);
    subjects.extend(crate::timers::all());
    subjects
}

/// Leaks a value and hides it from the optimizer.
pub fn leak<T>(value: T) -> &'static T {
    black_box(Box::leak(Box::new(value)))
}

/// A value on its own cache lines.
#[repr(align(128))]
#[derive(Default)]
pub struct Line<T>(pub T);

/// Creates an entry that repeats one small operation on one thread.
macro_rules! alone {
    ($contestant:expr, $thing:ident = $new:expr => $work:expr) => {{
        let $thing = leak($new);
        Entry::alone($contestant, move |repeats| {
            for _ in 0..repeats {
                $work;
            }
        })
    }};
}

/// Creates an entry that repeats one small operation on each of two threads.
macro_rules! by_two {
    ($contestant:expr, $thing:ident = $new:expr => $first:expr, $second:expr) => {{
        let $thing = leak($new);
        Entry::by_two($contestant, move |thread, repeats| {
            if thread == 0 {
                for _ in 0..repeats {
                    $first;
                }
            } else {
                for _ in 0..repeats {
                    $second;
                }
            }
        })
    }};
}

/// Creates an entry for each contestant, which increments one counter on one thread or on two.
macro_rules! counters {
    ($how:ident) => {
        vec![
            counters!(@$how "one `AtomicU64`", c = Line(AtomicU64::new(0)) => c.0.fetch_add(1, Relaxed)),
            counters!(@$how US, c = CachePadded::new(Counter::new()) => c.inc()),
            counters!(@$how "papyra-metrics, `ShardedCounter`", c = ShardedCounter::new() => c.inc()),
            counters!(@$how "one `AtomicU64` per thread, `fetch_add`", c = Shards::default() => c.add_atomically()),
            counters!(@$how "one `AtomicU64` per thread, load and store", c = Shards::default() => c.add_as_owner()),
            counters!(@$how "fastmetrics", c = Fastmetrics::new(1) => c.counters[0].inc()),
            counters!(@$how "measured", c = MeasuredPair::new() => c.a.inc()),
            counters!(@$how "metered", c = Line(metered::HitCount::<metered::atomic::AtomicInt<u64>>::default()) => c.0.0.incr()),
            counters!(@$how "metrics", c = MetricsExporter::new(1) => c.counters[0].increment(1)),
            counters!(@$how "opentelemetry_sdk", c = OpenTelemetry::new(1) => c.counters[0].add(1, &[])),
            counters!(@$how "prometheus", c = Prometheus::new(1) => c.counters[0].inc()),
            counters!(@$how "prometheus-client", c = PrometheusClient::new(1) => c.counters[0].inc()),
            counters!(@$how "vise", c = Vise::new() => c.metrics.a.inc()),
        ]
    };
    (@alone $contestant:expr, $c:ident = $new:expr => $work:expr) => { alone!($contestant, $c = $new => $work) };
    (@by_two $contestant:expr, $c:ident = $new:expr => $work:expr) => { by_two!($contestant, $c = $new => $work, $work) };
}

fn increment() -> Subject {
    let entries = counters!(alone);
    Subject {
        name: "Increment a counter on one thread".into(),
        unit: "increment",
        units: 1,
        entries,
    }
}

fn two_threads() -> Subject {
    let mut entries = vec![far_apart()];
    entries.extend(counters!(by_two));
    Subject {
        name: "Increment one counter on two threads".into(),
        unit: "increment",
        units: 1,
        entries,
    }
}

/// Returns the baseline for two threads: each thread increments a number of its own, on a separate cache line.
pub fn far_apart() -> Entry {
    by_two!("two `AtomicU64` on separate cache lines, one per thread", c = [Line(AtomicU64::new(0)), Line(AtomicU64::new(0))] =>
        c[0].0.fetch_add(1, Relaxed), c[1].0.fetch_add(1, Relaxed))
}

fn neighbours() -> Subject {
    let entries = vec![
        far_apart(),
        by_two!("two `AtomicU64` on one cache line, one per thread", c = Line([AtomicU64::new(0), AtomicU64::new(0)]) =>
            c.0[0].fetch_add(1, Relaxed), c.0[1].fetch_add(1, Relaxed)),
        by_two!(US, c = Line(Ten::default()) => c.0.a.inc(), c.0.b.inc()),
        by_two!("papyra-metrics, `CachePadded<Counter>`", c = [CachePadded::new(Counter::new()), CachePadded::new(Counter::new())] =>
            c[0].inc(), c[1].inc()),
        by_two!("papyra-metrics, `ShardedCounter`", c = [ShardedCounter::new(), ShardedCounter::new()] =>
            c[0].inc(), c[1].inc()),
        by_two!("fastmetrics", c = Fastmetrics::new(2) => c.counters[0].inc(), c.counters[1].inc()),
        by_two!("measured", c = Line(MeasuredPair::new()) => c.0.a.inc(), c.0.b.inc()),
        by_two!("metered", c = Line([metered::HitCount::<metered::atomic::AtomicInt<u64>>::default(), metered::HitCount::default()]) =>
            c.0[0].0.incr(), c.0[1].0.incr()),
        by_two!("metrics", c = MetricsExporter::new(2) => c.counters[0].increment(1), c.counters[1].increment(1)),
        by_two!("opentelemetry_sdk", c = OpenTelemetry::new(2) => c.counters[0].add(1, &[]), c.counters[1].add(1, &[])),
        by_two!("prometheus", c = Prometheus::new(2) => c.counters[0].inc(), c.counters[1].inc()),
        by_two!("prometheus-client", c = PrometheusClient::new(2) => c.counters[0].inc(), c.counters[1].inc()),
        by_two!("vise", c = Line(Vise::new()) => c.0.metrics.a.inc(), c.0.metrics.b.inc()),
    ];
    Subject {
        name: "Increment two adjacent counters, one per thread".into(),
        unit: "increment",
        units: 1,
        entries,
    }
}

/// Alternative designs of `ShardedCounter`: a cell for each thread instead of each CPU.
struct Shards {
    cells: [Line<AtomicU64>; 64],
}

impl Default for Shards {
    fn default() -> Self {
        Self { cells: std::array::from_fn(|_| Line::default()) }
    }
}

thread_local! {
    static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Returns the number of this thread. A real implementation would have to reuse the numbers of threads that ended.
#[inline]
fn shard() -> usize {
    #[cold]
    fn claim() -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let shard = NEXT.fetch_add(1, Relaxed);
        SHARD.set(shard);
        shard
    }
    let shard = SHARD.get();
    if shard == usize::MAX { claim() } else { shard }
}

impl Shards {
    #[inline]
    fn add_atomically(&self) {
        self.cells[shard() % 64].0.fetch_add(1, Relaxed);
    }

    #[inline]
    fn add_as_owner(&self) {
        let cell = &self.cells[shard() % 64].0;
        cell.store(cell.load(Relaxed).wrapping_add(1), Relaxed);
    }
}

fn read_one() -> Subject {
    let entries = vec![
        alone!("one `AtomicU64`", c = AtomicU64::new(1) => black_box(c.load(Relaxed))),
        alone!(US, c = Counter::new() => black_box(c.get())),
        alone!("papyra-metrics, `ShardedCounter`", c = ShardedCounter::new() => black_box(c.get())),
    ];
    Subject { name: "Read one counter".into(), unit: "reading", units: 1, entries }
}

/// Returns the subject that creates ten counters and the registry that they need.
fn build() -> Subject {
    macro_rules! make {
        ($contestant:expr, $new:expr) => {
            Entry::alone($contestant, |repeats| (0..repeats).for_each(|_| drop(black_box($new))))
        };
    }
    let entries = vec![
        make!("a boxed array of ten `AtomicU64`", Box::<[AtomicU64; 10]>::default()),
        make!(US, Box::<Ten>::default()),
        make!("papyra-metrics, in a registry", Exported::<Ten>::new()),
        make!("fastmetrics", Fastmetrics::new(10)),
        make!("metrics", MetricsExporter::new(10)),
        make!("opentelemetry_sdk", OpenTelemetry::new(10)),
        make!("prometheus", Prometheus::new(10)),
        make!("prometheus-client", PrometheusClient::new(10)),
        make!("vise", Vise::new()),
    ];
    Subject {
        name: "Create ten counters and the registry they need".into(),
        unit: "counter",
        units: 10,
        entries,
    }
}

fn read<M: ByHand>() -> Subject {
    let ours = leak(M::default());
    macro_rules! reads {
        ($contestant:expr, $peer:ident, $read:expr) => {{
            let mut $peer = $peer;
            Entry::alone($contestant, move |repeats| {
                for _ in 0..repeats {
                    black_box($read);
                }
            })
        }};
    }
    let prometheus = Prometheus::new(M::LEN);
    let metrics = MetricsUtil::new(M::LEN);
    let opentelemetry = OpenTelemetry::new(M::LEN);
    #[allow(unused_mut)] // some contestants read by `&mut self`
    let entries = vec![
        reads!("a loop that fills a `Vec<(&str, u64)>`", ours, ours.loop_read()),
        reads!(US, ours, ours.snapshot()),
        reads!(
            "papyra-metrics, converted into a `HashMap`",
            ours,
            HashMap::<String, Value>::from(ours.snapshot())
        ),
        reads!("metrics (metrics-util's registry)", metrics, metrics.read()),
        reads!("opentelemetry_sdk", opentelemetry, opentelemetry.read()),
        reads!("prometheus", prometheus, prometheus.read()),
    ];
    Subject {
        name: format!("Take a snapshot of {} metrics", M::LEN),
        unit: "metric",
        units: M::LEN as u64,
        entries,
    }
}

fn visit<M: ByHand>() -> Subject {
    let ours = leak(M::default());
    macro_rules! visits {
        ($contestant:expr, $visit:expr) => {
            Entry::alone($contestant, move |repeats| {
                // The visitor stores nothing. If it added the values up, each call would have to wait for the previous call.
                let mut look = |metric: &Descriptor, value| {
                    black_box((metric, value));
                };
                // The visitor is hidden from the optimizer, which would inline it.
                let visitor: &mut dyn FnMut(&Descriptor, Value) = black_box(&mut look);
                for _ in 0..repeats {
                    $visit(ours, visitor);
                }
            })
        };
    }
    let entries =
        vec![visits!("a loop over the fields", M::loop_visit), visits!(US, <M as Metrics>::visit)];
    Subject {
        name: format!("Visit {} metrics", M::LEN),
        unit: "metric",
        units: M::LEN as u64,
        entries,
    }
}

/// Returns the subject that encodes counters. If `change` is true, all of them change before each encoding.
fn encode<M: ByHand + Send + Sync>(change: bool) -> Subject {
    fn entry<T: Text + 'static>(
        contestant: &'static str,
        make: impl Fn() -> T,
        change: bool,
    ) -> Entry {
        let mut copy = 0;
        Entry::at_many_addresses(contestant, move || {
            let mut text = make();
            // The first encoding allocates the buffer for the text. The distance between the buffer and the prepared strings
            // varies too.
            shift_addresses(7 * copy % COPIES);
            copy += 1;
            text.add(number);
            text.encode();
            move |repeats| {
                for _ in 0..repeats {
                    if change {
                        text.add(|_| 1);
                    }
                    black_box(text.encode());
                }
            }
        })
    }
    let len = M::LEN;
    let ours = || {
        let mut ours = Exported::<M>::new();
        // The first encoding prepares the text before each number, as `TextBaseline::of` does. The buffer is allocated again
        // later.
        ours.encode();
        ours.text = String::new();
        ours
    };
    let text = {
        let mut ours = Exported::<M>::new();
        ours.encode();
        ours.text
    };
    let mut baseline = TextBaseline::of(&text);
    baseline.encode();
    assert_eq!(baseline.text, text.as_bytes(), "the text of the baseline differs");
    let baseline = move || TextBaseline::of(&text);
    let mut entries = vec![
        entry("prepared text, numbers formatted by `itoa`", baseline, change),
        entry(US, ours, change),
        entry("fastmetrics", || Fastmetrics::new(len), change),
        entry("measured", || Measured::new(len), change),
        entry("metrics (metrics-exporter-prometheus)", || MetricsExporter::new(len), change),
        entry("prometheus", || Prometheus::new(len), change),
        entry("prometheus-client", || PrometheusClient::new(len), change),
    ];
    if len == 10 {
        entries.push(entry("vise", Vise::new, change));
    }
    let name = if change {
        format!("Increment {len} counters and encode them as Prometheus text")
    } else {
        format!("Encode {len} counters as Prometheus text")
    };
    Subject { name, unit: "metric", units: len as u64, entries }
}

/// Returns the initial count of the metric with this index. The counts have one to seven digits.
fn number(index: usize) -> u64 {
    ((index as u64 * 7919).pow(2) % 10_000_000) >> (index % 24)
}

fn function() -> Subject {
    let entries = vec![
        alone!("counted by hand", log = Bare::default() => black_box(log.by_hand(black_box(3)).is_ok())),
        alone!("not counted", log = Bare::default() => black_box(log.uncounted(black_box(3)).is_ok())),
        alone!(US, log = Ours::default() => black_box(log.put(black_box(3)).is_ok())),
        alone!("metered", log = Metered::default() => black_box(log.put(black_box(3)).is_ok())),
    ];
    Subject {
        name: "Call a function that counts its errors and returns `Ok`".into(),
        unit: "call",
        units: 1,
        entries,
    }
}

fn async_function() -> Subject {
    let entries = vec![
        alone!("counted by hand", log = Bare::default() => black_box(poll(log.by_hand_later(black_box(3))).is_some())),
        alone!("not counted", log = Bare::default() => black_box(poll(log.uncounted_later(black_box(3))).is_some())),
        alone!(US, log = Ours::default() => black_box(poll(log.put_later(black_box(3))).is_some())),
        alone!("metered", log = Metered::default() => black_box(poll(log.put_later(black_box(3))).is_some())),
    ];
    Subject {
        name: "Call an async function that counts its errors and returns `Ok`".into(),
        unit: "call",
        units: 1,
        entries,
    }
}

/// Returns the subjects that visit different numbers of backends and metrics, each with the name of its row.
pub fn scales() -> Vec<(String, Subject)> {
    let narrow = [1, 10, 100, 1_000, 10_000].map(|n| (format!("{n} × 10"), backends::<Ten>(n)));
    let wide = [
        ("1 × 100".to_owned(), backends::<Hundred>(1)),
        ("1 × 1000".to_owned(), backends::<Thousand>(1)),
        ("10 × 1000".to_owned(), backends::<Thousand>(10)),
        ("100 × 1000".to_owned(), backends::<Thousand>(100)),
    ];
    narrow.into_iter().chain(wide).collect()
}

fn backends<M: ByHand + Send + Sync>(len: usize) -> Subject {
    let backends: Vec<Arc<dyn Metrics>> = (0..len).map(|_| Arc::new(M::default()) as _).collect();
    let entry = Entry::alone(US, move |repeats| {
        let mut sum = 0;
        for _ in 0..repeats {
            for backend in &backends {
                backend.visit_totals(&mut |_, value| {
                    if let Value::Counter(value) = value {
                        sum += value;
                    }
                });
            }
        }
        black_box(sum);
    });
    let units = (len * M::LEN) as u64;
    Subject { name: String::new(), unit: "metric", units, entries: vec![entry] }
}
