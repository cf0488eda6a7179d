//! The engine with `prometheus`.

use std::marker::PhantomData;

use papyra_metrics::{Buckets, FineLatency, Latency, Sizes};
use prometheus as peer;

use crate::declaration::{bounds, engine_of};
use crate::ours::metrics::BatchRecords;

pub(crate) struct Counter(peer::IntCounter);
pub(crate) struct Gauge(peer::IntGauge);
pub(crate) struct Histogram<B>(peer::Histogram, PhantomData<fn() -> B>);

impl Default for Counter {
    fn default() -> Self {
        Self(peer::IntCounter::new("counter", "help").expect("the name is valid"))
    }
}

impl Default for Gauge {
    fn default() -> Self {
        Self(peer::IntGauge::new("gauge", "help").expect("the name is valid"))
    }
}

impl<B: Buckets> Default for Histogram<B> {
    fn default() -> Self {
        let options = peer::HistogramOpts::new("histogram", "help").buckets(bounds::<B>());
        Self(peer::Histogram::with_opts(options).expect("the bounds rise"), PhantomData)
    }
}

impl Counter {
    fn add(&self, n: u64) {
        self.0.inc_by(n);
    }
}

impl Gauge {
    fn add(&self, n: i64) {
        self.0.add(n);
    }

    fn sub(&self, n: i64) {
        self.0.sub(n);
    }

    fn set(&self, n: i64) {
        self.0.set(n);
    }
}

impl<B> Histogram<B> {
    fn observe(&self, value: f64) {
        self.0.observe(value);
    }
}

engine_of! {
    Latency: Histogram<Latency>,
    FineLatency: Histogram<FineLatency>,
    Sizes: Histogram<Sizes>,
    BatchRecords: Histogram<BatchRecords>,
}

include!("../engine.rs");
