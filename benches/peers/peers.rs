//! The peers, each used as its documentation shows.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;

use measured::metric::MetricFamilyEncoding as _;
use measured::metric::name::MetricName;
use measured::text::BufferedTextEncoder;
use metrics_util::registry::{AtomicStorage, Registry as MetricsRegistry};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Temporality,
};

pub const HELP: &str = "Records appended";

/// Returns the names `counter_0`, `counter_1` and so on.
pub fn names(len: usize) -> impl Iterator<Item = String> {
    (0..len).map(|i| format!("counter_{i}"))
}

/// Counters that are exported as text.
pub trait Text {
    /// Adds an amount that depends on the index to each counter.
    fn add(&self, n: impl Fn(usize) -> u64);
    /// Writes the text and returns its length.
    fn encode(&mut self) -> usize;
}

pub struct Prometheus {
    registry: prometheus::Registry,
    pub counters: Vec<prometheus::IntCounter>,
    text: Vec<u8>,
}

impl Prometheus {
    pub fn new(len: usize) -> Self {
        let registry = prometheus::Registry::new();
        let counters = names(len)
            .map(|name| {
                let counter = prometheus::IntCounter::new(name, HELP).unwrap();
                registry.register(Box::new(counter.clone())).unwrap();
                counter
            })
            .collect();
        Self { registry, counters, text: Vec::new() }
    }

    pub fn read(&self) -> usize {
        self.registry.gather().len()
    }
}

impl Text for Prometheus {
    fn add(&self, n: impl Fn(usize) -> u64) {
        for (index, counter) in self.counters.iter().enumerate() {
            counter.inc_by(n(index));
        }
    }

    fn encode(&mut self) -> usize {
        use prometheus::Encoder as _;
        self.text.clear();
        let families = self.registry.gather();
        prometheus::TextEncoder::new().encode(&families, &mut self.text).unwrap();
        self.text.len()
    }
}

#[derive(Default)]
pub struct PrometheusClient {
    registry: prometheus_client::registry::Registry,
    pub counters: Vec<prometheus_client::metrics::counter::Counter>,
    text: String,
}

impl PrometheusClient {
    pub fn new(len: usize) -> Self {
        let mut this = Self::default();
        for name in names(len) {
            let counter = prometheus_client::metrics::counter::Counter::default();
            this.registry.register(name, HELP, counter.clone());
            this.counters.push(counter);
        }
        this
    }
}

impl Text for PrometheusClient {
    fn add(&self, n: impl Fn(usize) -> u64) {
        for (index, counter) in self.counters.iter().enumerate() {
            counter.inc_by(n(index));
        }
    }

    fn encode(&mut self) -> usize {
        self.text.clear();
        prometheus_client::encoding::text::encode(&mut self.text, &self.registry).unwrap();
        self.text.len()
    }
}

#[derive(Default)]
pub struct Fastmetrics {
    registry: fastmetrics::registry::Registry,
    pub counters: Vec<fastmetrics::metrics::counter::Counter>,
    text: String,
}

impl Fastmetrics {
    pub fn new(len: usize) -> Self {
        let mut this = Self::default();
        for name in names(len) {
            let counter = fastmetrics::metrics::counter::Counter::default();
            this.registry.register(name, HELP, counter.clone()).unwrap();
            this.counters.push(counter);
        }
        this
    }
}

impl Text for Fastmetrics {
    fn add(&self, n: impl Fn(usize) -> u64) {
        for (index, counter) in self.counters.iter().enumerate() {
            counter.inc_by(n(index));
        }
    }

    fn encode(&mut self) -> usize {
        self.text.clear();
        let profile = fastmetrics::format::text::TextProfile::default();
        fastmetrics::format::text::encode(&mut self.text, &self.registry, profile).unwrap();
        self.text.len()
    }
}

/// Counters of the crate `measured`. The code is like the code that the derive of `measured` generates. The derive
/// itself cannot be used, because it needs names that are known at compile time.
pub struct Measured {
    pub counters: Vec<(&'static MetricName, measured::Counter)>,
    encoder: BufferedTextEncoder,
}

impl Measured {
    pub fn new(len: usize) -> Self {
        let name = |name: String| MetricName::from_str(name.leak());
        let counters = names(len).map(|n| (name(n), measured::Counter::new())).collect();
        Self { counters, encoder: BufferedTextEncoder::new() }
    }
}

impl Text for Measured {
    fn add(&self, n: impl Fn(usize) -> u64) {
        for (index, (_, counter)) in self.counters.iter().enumerate() {
            counter.inc_by(n(index));
        }
    }

    fn encode(&mut self) -> usize {
        for (name, counter) in &self.counters {
            counter.collect_family_into(name, &mut self.encoder).unwrap();
        }
        self.encoder.finish().len()
    }
}

/// Two adjacent counters in a struct with the derive of the crate `measured`.
#[derive(measured::MetricGroup)]
#[metric(new())]
pub struct MeasuredPair {
    #[metric(init = measured::Counter::new())]
    pub a: measured::Counter,
    #[metric(init = measured::Counter::new())]
    pub b: measured::Counter,
}

#[derive(Debug, vise::Metrics)]
#[metrics(prefix = "vise")]
pub struct ViseTen {
    /// Records appended
    pub a: vise::Counter,
    /// Records appended
    pub b: vise::Counter,
    /// Records appended
    pub c: vise::Counter,
    /// Records appended
    pub d: vise::Counter,
    /// Records appended
    pub e: vise::Counter,
    /// Records appended
    pub f: vise::Counter,
    /// Records appended
    pub g: vise::Counter,
    /// Records appended
    pub h: vise::Counter,
    /// Records appended
    pub i: vise::Counter,
    /// Records appended
    pub j: vise::Counter,
}

/// Ten counters of vise, in a struct because vise names metrics after fields.
pub struct Vise {
    pub metrics: ViseTen,
    registry: vise::Registry,
    text: String,
}

impl Vise {
    pub fn new() -> Self {
        let metrics = ViseTen::default();
        let mut registry = vise::Registry::empty();
        registry.register_metrics(&metrics);
        Self { metrics, registry, text: String::new() }
    }
}

impl Text for Vise {
    fn add(&self, n: impl Fn(usize) -> u64) {
        let ViseTen { a, b, c, d, e, f, g, h, i, j } = &self.metrics;
        for (index, counter) in [a, b, c, d, e, f, g, h, i, j].into_iter().enumerate() {
            counter.inc_by(n(index));
        }
    }

    fn encode(&mut self) -> usize {
        self.text.clear();
        self.registry.encode(&mut self.text, vise::Format::Prometheus).unwrap();
        self.text.len()
    }
}

/// The `metrics` facade with the recorder of `metrics-exporter-prometheus`.
pub struct MetricsExporter {
    recorder: metrics_exporter_prometheus::PrometheusRecorder,
    pub counters: Vec<metrics::Counter>,
}

impl MetricsExporter {
    pub fn new(len: usize) -> Self {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let counters = metrics::with_local_recorder(&recorder, || {
            names(len)
                .map(|name| {
                    metrics::describe_counter!(name.clone(), HELP);
                    let counter = metrics::counter!(name);
                    counter.increment(0);
                    counter
                })
                .collect()
        });
        Self { recorder, counters }
    }
}

impl Text for MetricsExporter {
    fn add(&self, n: impl Fn(usize) -> u64) {
        for (index, counter) in self.counters.iter().enumerate() {
            counter.increment(n(index));
        }
    }

    fn encode(&mut self) -> usize {
        self.recorder.handle().render().len()
    }
}

/// The registry of metrics-util. Reading it returns a `HashMap` of the handles of its counters.
pub struct MetricsUtil {
    registry: MetricsRegistry<metrics::Key, AtomicStorage>,
}

impl MetricsUtil {
    pub fn new(len: usize) -> Self {
        let registry = MetricsRegistry::atomic();
        for name in names(len) {
            let key = metrics::Key::from_name(name);
            registry.get_or_create_counter(&key, Arc::clone);
        }
        Self { registry }
    }

    pub fn read(&self) -> usize {
        self.registry.get_counter_handles().len()
    }
}

/// A reader that the provider and this program share.
#[derive(Debug, Clone)]
struct SharedReader(Arc<ManualReader>);

impl MetricReader for SharedReader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }
    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }
    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }
    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }
    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}

pub struct OpenTelemetry {
    _provider: SdkMeterProvider,
    reader: SharedReader,
    pub counters: Vec<opentelemetry::metrics::Counter<u64>>,
    read: ResourceMetrics,
}

impl OpenTelemetry {
    pub fn new(len: usize) -> Self {
        let reader = SharedReader(Arc::new(ManualReader::default()));
        let provider = SdkMeterProvider::builder().with_reader(reader.clone()).build();
        let meter = provider.meter("bench");
        let counters: Vec<_> =
            names(len).map(|name| meter.u64_counter(name).with_description(HELP).build()).collect();
        counters.iter().for_each(|counter| counter.add(1, &[]));
        Self { _provider: provider, reader, counters, read: ResourceMetrics::default() }
    }

    pub fn read(&mut self) -> usize {
        self.collect().scope_metrics().count()
    }

    pub fn collect(&mut self) -> &ResourceMetrics {
        self.reader.collect(&mut self.read).unwrap();
        &self.read
    }
}

/// The baseline for encoding: numbers, and the prepared text before each of them.
pub struct TextBaseline {
    heads: Vec<String>,
    values: Vec<AtomicU64>,
    pub text: Vec<u8>,
}

impl TextBaseline {
    /// Prepares to write this text again, with numbers that begin at zero.
    pub fn of(text: &str) -> Self {
        let mut heads = Vec::new();
        let mut head = String::new();
        for line in text.lines() {
            let sample = line.rsplit_once(' ').filter(|_| !line.starts_with('#'));
            if let Some((series, _)) = sample {
                heads.push(format!("{head}{series} "));
                head.clear();
            } else {
                head = head + line + "\n";
            }
        }
        let values = heads.iter().map(|_| AtomicU64::new(0)).collect();
        Self { heads, values, text: Vec::new() }
    }
}

impl Text for TextBaseline {
    fn add(&self, n: impl Fn(usize) -> u64) {
        for (index, value) in self.values.iter().enumerate() {
            value.fetch_add(n(index), Relaxed);
        }
    }

    fn encode(&mut self) -> usize {
        let mut number = itoa::Buffer::new();
        self.text.clear();
        for (head, value) in self.heads.iter().zip(&self.values) {
            self.text.extend_from_slice(head.as_bytes());
            self.text.extend_from_slice(number.format(value.load(Relaxed)).as_bytes());
            self.text.push(b'\n');
        }
        self.text.len()
    }
}
