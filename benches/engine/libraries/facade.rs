//! The engine with `metrics` and its recorder for Prometheus.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ::metrics as peer;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};

use crate::declaration::bounds;

static RECORDER: LazyLock<PrometheusRecorder> = LazyLock::new(|| {
    let mut builder = PrometheusBuilder::new();
    for bounds in [
        bounds::<papyra_metrics::Latency>(),
        bounds::<papyra_metrics::FineLatency>(),
        bounds::<papyra_metrics::Sizes>(),
    ] {
        let matcher = Matcher::Full(name(&bounds));
        builder = builder.set_buckets_for_metric(matcher, &bounds).expect("there are bounds");
    }
    builder.build_recorder()
});

/// Moves the recorded values into the buckets. The recorder stores each value until then.
pub(crate) fn upkeep() {
    RECORDER.handle().run_upkeep();
}

/// Returns the name of the histograms with these bounds.
fn name(bounds: &[f64]) -> String {
    format!("histogram_of_{}", bounds.len())
}

/// Returns a label value that no other instrument has, so that the recorder creates a new instrument.
fn member() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Relaxed).to_string()
}

/// Creates an instrument with the recorder.
fn register<T>(instrument: impl FnOnce() -> T) -> T {
    peer::with_local_recorder(&*RECORDER, instrument)
}

#[allow(clippy::cast_precision_loss)] // numbers of bytes and of tables are small enough
fn float(n: i64) -> f64 {
    n as f64
}

engine_of! {
    counter: peer::Counter = register(|| peer::counter!("counter", "member" => member())),
        add(counter, n) counter.increment(n);
    gauge: peer::Gauge = register(|| peer::gauge!("gauge", "member" => member())),
        add(gauge, n) gauge.increment(float(n)),
        sub(gauge, n) gauge.decrement(float(n)),
        set(gauge, n) gauge.set(float(n));
    histograms: Latency(peer::Histogram), FineLatency(peer::Histogram), Sizes(peer::Histogram)
        = (bounds) register(|| peer::histogram!(name(&bounds), "member" => member())),
        record(histogram, value) histogram.record(value);
}

include!("../engine.rs");
