//! The engine with `measured`, whose histograms know the number of their buckets.

use std::marker::PhantomData;

use measured as peer;
use measured::metric::histogram::Thresholds;
use papyra_metrics::{Buckets, FineLatency, Latency, Sizes};

use crate::declaration::{bounds, engine_of};
use crate::ours::metrics::BatchRecords;

pub(crate) struct Counter(peer::Counter);
pub(crate) struct Gauge(peer::Gauge);
pub(crate) struct Histogram<B, const N: usize>(peer::Histogram<N>, PhantomData<fn() -> B>);

impl Default for Counter {
    fn default() -> Self {
        Self(peer::Counter::new())
    }
}

impl Default for Gauge {
    fn default() -> Self {
        Self(peer::Gauge::new())
    }
}

impl<B: Buckets, const N: usize> Default for Histogram<B, N> {
    fn default() -> Self {
        let bounds = <[f64; N]>::try_from(bounds::<B>()).expect("the buckets have as many bounds");
        let thresholds = Thresholds::with_buckets(bounds);
        Self(peer::Histogram::with_metadata(thresholds), PhantomData)
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

impl<B, const N: usize> Histogram<B, N> {
    fn observe(&self, value: f64) {
        self.0.observe(value);
    }
}

engine_of! {
    Latency: Histogram<Latency, 28>,
    FineLatency: Histogram<FineLatency, 54>,
    Sizes: Histogram<Sizes, 16>,
    BatchRecords: Histogram<BatchRecords, 11>,
}

include!("../engine.rs");
