//! Uses everything of papyra-metrics that is available without std and without an allocator.

#![no_std]
#![forbid(unsafe_code)]
#![deny(warnings)]

use core::time::Duration;

use papyra_metrics::{
    CachePadded, Counter, Descriptor, FloatGauge, Gauge, Histogram, Metered, Metrics, Peak, ShardedCounter,
    ShardedHistogram, Sizes, Value,
};

/// The metrics of a cache.
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

/// The metrics of a log.
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
    /// How long an append takes.
    pub append: Histogram,
    /// The fill ratio.
    pub ratio: FloatGauge,
    /// The cache.
    #[metrics(flatten, prefix = "cache_")]
    pub cache: CacheMetrics,
}

impl Metered for LogMetrics {
    fn metrics(&self) -> Option<&dyn Metrics> {
        Some(self)
    }
}

/// All forms of the derive and the attribute that need no std.
pub mod forms {
    include!("../hygiene/forms.rs");
    include!("../hygiene/label_forms.rs");
}

/// Uses every form, so that the compiler generates code for each form.
pub fn use_forms() -> usize {
    let (errors, ..) = forms::count();
    let ([broken, _], ..) = forms::count_by_kind();
    let mut labels = 0;
    forms::visit_labels(&mut |name, value| labels += name.len() + value.len());
    forms::names() + labels + usize::from(errors > 0) + usize::from(broken > 0)
}

/// Visits, drains and resets all metrics. Returns the sum of the values before the drain plus the number of descriptors.
pub fn drain(metrics: &dyn Metrics) -> u64 {
    let mut sum = 0;
    metrics.visit(&mut |_: &Descriptor, value: Value| sum += value.as_u64().unwrap_or(0));
    metrics.visit_totals(&mut |_, _| {});
    metrics.visit_drain(&mut |_, _| {});
    metrics.reset();
    sum + metrics.descriptors().len() as u64
}

static APPEND: Histogram = Histogram::new();
static RECORD_SIZE: ShardedHistogram<Sizes> = ShardedHistogram::new();
static LONGEST: Peak = Peak::new();
static RATIO: FloatGauge = FloatGauge::new();
static OPEN: Gauge = Gauge::new();

papyra_metrics::buckets!(
    /// The number of pages that a scan reads.
    pub Pages: u64 = [1, 8, 64], unit = "pages"
);

/// Records in every instrument that is not a counter.
pub fn record() -> u64 {
    static PAGES: Histogram<Pages> = Histogram::new();
    let _held = OPEN.hold(1);
    APPEND.record(Duration::from_micros(80));
    RECORD_SIZE.record(4096);
    PAGES.record_n(3, 2);
    LONGEST.record(7);
    RATIO.add(0.5);
    let append = APPEND.take();
    let quantile = append.quantile(0.99).map_or(0, |quantile| quantile.subsec_nanos());
    RECORD_SIZE.total().sum() + PAGES.get().count() + u64::from(quantile)
}

/// Functions that need a clock.
#[cfg(feature = "timed")]
pub mod timed {
    use papyra_metrics::{Histogram, metrics};

    static APPEND: Histogram = Histogram::new();

    /// A timed function.
    #[metrics(time = APPEND, sample = 16)]
    pub fn append(record: &[u8]) -> usize {
        record.len()
    }
}

/// A field with a type that syn parses only if its feature `full` is enabled. No dependency of this crate enables this feature.
#[cfg(feature = "unparsed")]
pub mod unparsed {
    use papyra_metrics::{Counter, Metrics};

    /// A metric and a buffer.
    #[derive(Metrics)]
    pub struct Buffer {
        /// Bytes.
        pub bytes: Counter,
        /// The buffer.
        #[metrics(skip)]
        pub buffer: [u8; const { 3 }],
    }
}

/// Handles panics. This function conflicts with the panic handler of std if a dependency links std.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
