//! Records latencies in a histogram of each contestant. Except for that of vise, the histograms have the bounds of `Latency`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::{ManualReader, SdkMeterProvider};
use papyra_metrics::{Buckets, Histogram, Latency, ShardedHistogram};

use crate::measure::{Entry, Subject};
use crate::subjects::{Line, US, far_apart, leak};

/// The number of latencies. If there were only a few, the processor would learn which bucket is next.
const LEN: usize = 1 << 16;

/// Returns the subjects: one thread, and two threads that share a histogram.
pub fn all() -> [Subject; 2] {
    let alone = contestants(false);
    let mut by_two = vec![far_apart()];
    by_two.extend(contestants(true));
    by_two.push(one_for_each_thread());
    [
        ("Record in a histogram on one thread", alone),
        ("Record in one histogram on two threads", by_two),
    ]
    .map(|(name, entries)| Subject {
        name: name.into(),
        unit: "recorded value",
        units: 1,
        entries,
    })
}

fn contestants(two: bool) -> Vec<Entry> {
    let durations = Latencies::leak(Duration::from_nanos);
    let nanoseconds = Latencies::leak(|nanoseconds| nanoseconds);
    let seconds = Latencies::leak(|nanoseconds| nanoseconds as f64 / 1e9);
    vec![
        entry(two, "a sum: one `AtomicU64`", nanoseconds, Line(AtomicU64::new(0)), |c, n, _| {
            c.0.fetch_add(n, Relaxed);
        }),
        entry(
            two,
            "a count and a sum: two `AtomicU64` on one cache line",
            nanoseconds,
            Line::<[AtomicU64; 2]>::default(),
            |c, n, _| {
                c.0[0].fetch_add(1, Relaxed);
                c.0[1].fetch_add(n, Relaxed);
            },
        ),
        entry(two, US, durations, Line(Histogram::<Latency>::new()), |h, value, _| {
            h.0.record(value)
        }),
        entry(
            two,
            "papyra-metrics, `ShardedHistogram`",
            durations,
            ShardedHistogram::<Latency>::new(),
            |h, value, _| {
                h.record(value);
            },
        ),
        entry(two, "fast-telemetry", nanoseconds, fast_telemetry(), |h, value, _| h.record(value)),
        entry(two, "fastmetrics", seconds, fastmetrics(), |h, value, _| h.observe(value)),
        entry(
            two,
            "iroh-metrics",
            seconds,
            iroh_metrics::Histogram::new(bounds()),
            |h, value, _| {
                h.observe(value);
            },
        ),
        entry(two, "measured", seconds, measured(), |h, value, _| h.observe(value)),
        entry(
            two,
            "metrics (metrics-exporter-prometheus)",
            seconds,
            Facade::new(),
            |h, value, index| {
                // The recorder keeps each recorded value until this call, which its documentation requires.
                if index % LEN == 0 {
                    h.recorder.handle().run_upkeep();
                }
                h.histogram.record(value);
            },
        ),
        entry(two, "opentelemetry_sdk", seconds, OpenTelemetry::new(), |h, value, _| {
            h.histogram.record(value, &[])
        }),
        entry(two, "prometheus", seconds, prometheus(), |h, value, _| h.observe(value)),
        entry(two, "prometheus-client", seconds, prometheus_client(), |h, value, _| {
            h.observe(value)
        }),
        entry(two, "vise", durations, vise(), |h, value, _| h.observe(value)),
    ]
}

/// Returns an entry that records the latencies repeatedly. Two threads begin at different positions.
fn entry<H: Sync + 'static, V: Copy + Sync + 'static>(
    two: bool,
    contestant: &'static str,
    values: &'static [V; LEN],
    histogram: H,
    record: impl Fn(&H, V, usize) + Copy + Sync + 'static,
) -> Entry {
    let histogram = leak(histogram);
    let run = move |first: usize, repeats: u64| {
        let end = first + usize::try_from(repeats).expect("a round has few repeats");
        for index in first..end {
            record(histogram, values[index % LEN], index);
        }
    };
    if two {
        Entry::by_two(contestant, move |thread, repeats| run(thread * LEN / 2, repeats))
    } else {
        Entry::alone(contestant, move |repeats| run(0, repeats))
    }
}

/// Returns an entry of two threads that share nothing, for comparison with two threads that share a histogram.
fn one_for_each_thread() -> Entry {
    let durations = Latencies::leak(Duration::from_nanos);
    let histograms: &[ShardedHistogram; 2] = leak(Default::default());
    Entry::by_two("two `ShardedHistogram`, one per thread", move |thread, repeats| {
        let first = thread * LEN / 2;
        let end = first + usize::try_from(repeats).expect("a round has few repeats");
        for index in first..end {
            histograms[thread].record(durations[index % LEN]);
        }
    })
}

/// Latencies with a log-normal distribution. Their median is 80 µs, and the standard deviation of their logarithms is 1.
struct Latencies(u64);

impl Latencies {
    fn leak<V: Copy + std::fmt::Debug>(convert: impl Fn(u64) -> V) -> &'static [V; LEN] {
        let mut random = Self(1);
        let values: Vec<V> = (0..LEN).map(|_| convert(random.nanoseconds())).collect();
        leak(<[V; LEN]>::try_from(values).expect("there are `LEN` values"))
    }

    /// Returns a random number of at least 0 and below 1, by SplitMix64 (Steele, Lea and Flood, 2014).
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns a random latency in nanoseconds, by the Box–Muller transform.
    fn nanoseconds(&mut self) -> u64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.uniform()).cos();
        (80_000.0 * normal.exp()) as u64
    }
}

/// Returns the bounds of `Latency` in seconds.
fn bounds() -> Vec<f64> {
    Latency::BOUNDS.iter().map(|bound| *bound as f64 / 1e9).collect()
}

/// Returns a histogram that has a shard for each core.
fn fast_telemetry() -> fast_telemetry::Histogram {
    let shards = std::thread::available_parallelism().map_or(1, usize::from);
    fast_telemetry::Histogram::new(Latency::BOUNDS, shards)
}

fn fastmetrics() -> fastmetrics::metrics::histogram::Histogram {
    fastmetrics::metrics::histogram::Histogram::new(bounds())
}

fn measured() -> measured::Histogram<28> {
    let bounds = <[f64; 28]>::try_from(bounds()).expect("`Latency` has 28 bounds");
    measured::Histogram::with_metadata(measured::metric::histogram::Thresholds::with_buckets(
        bounds,
    ))
}

pub fn prometheus() -> prometheus::Histogram {
    let options = prometheus::HistogramOpts::new("append_seconds", crate::peers::HELP);
    prometheus::Histogram::with_opts(options.buckets(bounds())).expect("the options are valid")
}

fn prometheus_client() -> prometheus_client::metrics::histogram::Histogram {
    prometheus_client::metrics::histogram::Histogram::new(bounds())
}

#[derive(Debug, vise::Metrics)]
struct ViseMetrics {
    /// Appends
    #[metrics(buckets = vise::Buckets::LATENCIES)]
    append: vise::Histogram<Duration>,
}

/// Returns a histogram with the nine built-in bounds for latencies. vise accepts other bounds only as a `'static`
/// slice, or as a linear or exponential series.
pub fn vise() -> vise::Histogram<Duration> {
    ViseMetrics::default().append
}

/// The `metrics` facade with the recorder of `metrics-exporter-prometheus`.
struct Facade {
    recorder: PrometheusRecorder,
    histogram: metrics::Histogram,
}

impl Facade {
    fn new() -> Self {
        let builder = PrometheusBuilder::new().set_buckets(&bounds()).expect("there are bounds");
        let recorder = builder.build_recorder();
        let histogram = metrics::with_local_recorder(&recorder, || metrics::histogram!("append"));
        Self { recorder, histogram }
    }
}

struct OpenTelemetry {
    _provider: SdkMeterProvider,
    histogram: opentelemetry::metrics::Histogram<f64>,
}

impl OpenTelemetry {
    fn new() -> Self {
        let provider = SdkMeterProvider::builder().with_reader(ManualReader::default()).build();
        let meter = provider.meter("bench");
        let histogram = meter.f64_histogram("append").with_boundaries(bounds()).build();
        Self { _provider: provider, histogram }
    }
}
