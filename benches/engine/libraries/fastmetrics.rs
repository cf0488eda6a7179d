//! The engine with `fastmetrics`.

use std::marker::PhantomData;

use fastmetrics::metrics as peer;
use papyra_metrics::{Buckets, FineLatency, Latency, Sizes};

use crate::declaration::{bounds, engine_of};
use crate::ours::metrics::BatchRecords;

#[derive(Default)]
pub(crate) struct Counter(peer::counter::Counter);

#[derive(Default)]
pub(crate) struct Gauge(peer::gauge::Gauge);

pub(crate) struct Histogram<B>(peer::histogram::Histogram, PhantomData<fn() -> B>);

impl<B: Buckets> Default for Histogram<B> {
    fn default() -> Self {
        Self(peer::histogram::Histogram::new(bounds::<B>()), PhantomData)
    }
}

impl Counter {
    fn add(&self, n: u64) {
        self.0.inc_by(n);
    }
}

impl Gauge {
    fn add(&self, n: i64) {
        self.0.inc_by(n);
    }

    fn sub(&self, n: i64) {
        self.0.dec_by(n);
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
