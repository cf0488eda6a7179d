//! Everything that is there without std and without an allocator.

#![no_std]
#![forbid(unsafe_code)]
#![deny(warnings)]

use papyra_metrics::{Counter, Descriptor, Gauge, Metered, Metrics, CachePadded, ShardedCounter, Value};

/// What the cache has done.
#[derive(Debug, Default, Metrics)]
#[metrics(storage = CacheMetrics)]
pub struct CacheCounts {
    /// Hits.
    #[metrics(padded)]
    pub hits: u64,
    /// Lookups.
    #[metrics(sharded)]
    pub lookups: u64,
}

/// What the log has done.
#[derive(Debug, Default, Metrics)]
#[metrics(prefix = "log_")]
pub struct LogMetrics {
    /// Records appended.
    #[metrics(errors)]
    pub records_written: Counter,
    /// Segments open now.
    pub open: CachePadded<Gauge>,
    /// Records read.
    pub records_read: ShardedCounter,
    /// The cache.
    #[metrics(flatten, prefix = "cache_")]
    pub cache: CacheMetrics,
}

impl Metered for LogMetrics {
    fn metrics(&self) -> Option<&dyn Metrics> {
        Some(self)
    }
}

/// Every form of the derive and the attribute.
pub mod forms {
    include!("../hygiene/forms.rs");
}

/// Has all of them built, and not only checked.
pub fn use_forms() -> usize {
    let (errors, ..) = forms::count();
    forms::names() + usize::from(errors > 0)
}

/// Adds everything up, then starts over.
pub fn drain(metrics: &dyn Metrics) -> u64 {
    let mut sum = 0;
    metrics.visit(&mut |_: &Descriptor, value: Value| sum += value.as_u64().unwrap_or(0));
    metrics.visit_totals(&mut |_, _| {});
    metrics.visit_drain(&mut |_, _| {});
    metrics.reset();
    sum + metrics.descriptors().len() as u64
}

/// Clashes with std's, should anything below bring std in.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
