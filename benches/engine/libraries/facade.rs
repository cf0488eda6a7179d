//! The engine with `metrics` and its recorder for Prometheus.

use std::marker::PhantomData;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ::metrics as peer;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};
use papyra_metrics::{Buckets, FineLatency, Latency, Sizes};

use crate::declaration::{bounds, engine_of};
use crate::ours::metrics::BatchRecords;

pub(crate) struct Counter(peer::Counter);
pub(crate) struct Gauge(peer::Gauge);
pub(crate) struct Histogram<B>(peer::Histogram, PhantomData<fn() -> B>);

static RECORDER: LazyLock<PrometheusRecorder> = LazyLock::new(|| {
    let mut builder = PrometheusBuilder::new();
    for (name, bounds) in [
        (name::<Latency>(), bounds::<Latency>()),
        (name::<FineLatency>(), bounds::<FineLatency>()),
        (name::<Sizes>(), bounds::<Sizes>()),
        (name::<BatchRecords>(), bounds::<BatchRecords>()),
    ] {
        let matcher = Matcher::Full(name.to_owned());
        builder = builder.set_buckets_for_metric(matcher, &bounds).expect("there are bounds");
    }
    builder.build_recorder()
});

/// Moves the recorded values into the buckets. The recorder stores each value until then.
pub(crate) fn upkeep() {
    RECORDER.handle().run_upkeep();
}

fn name<B>() -> &'static str {
    std::any::type_name::<B>()
}

/// A label value that no other instrument has.
fn member() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Relaxed).to_string()
}

impl Default for Counter {
    fn default() -> Self {
        let counter = || peer::counter!("counter", "member" => member());
        Self(peer::with_local_recorder(&*RECORDER, counter))
    }
}

impl Default for Gauge {
    fn default() -> Self {
        let gauge = || peer::gauge!("gauge", "member" => member());
        Self(peer::with_local_recorder(&*RECORDER, gauge))
    }
}

impl<B: Buckets> Default for Histogram<B> {
    fn default() -> Self {
        let histogram = || peer::histogram!(name::<B>(), "member" => member());
        Self(peer::with_local_recorder(&*RECORDER, histogram), PhantomData)
    }
}

impl Counter {
    fn add(&self, n: u64) {
        self.0.increment(n);
    }
}

#[allow(clippy::cast_precision_loss)] // numbers of bytes and of tables
impl Gauge {
    fn add(&self, n: i64) {
        self.0.increment(n as f64);
    }

    fn sub(&self, n: i64) {
        self.0.decrement(n as f64);
    }

    fn set(&self, n: i64) {
        self.0.set(n as f64);
    }
}

impl<B> Histogram<B> {
    fn observe(&self, value: f64) {
        self.0.record(value);
    }
}

engine_of! {
    Latency: Histogram<Latency>,
    FineLatency: Histogram<FineLatency>,
    Sizes: Histogram<Sizes>,
    BatchRecords: Histogram<BatchRecords>,
}

include!("../engine.rs");
