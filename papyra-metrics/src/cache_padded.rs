//! An instrument that shares no cache line with its neighbours, for counters of one struct that different cores increment.

use core::ops::{Deref, DerefMut};
use core::{array, fmt};

use crate::atomic_layout::AtomicLayout;
use crate::histogram::scale::Scale;
use crate::{Distribution, Inc, IncDec, Instrument, Kind, Value, Walker};

/// An instrument that shares no cache line with its neighbours.
///
/// Two counters side by side share a cache line. If two cores each increment one of the counters at the same time, each
/// core waits for the line that the other core has just taken, although the cores never touch the same counter. On a
/// 2-core x86-64 machine, an increment then takes over 4 times as long as if only one core increments. Padding avoids
/// this (`benches/RESULTS.md` in the repository has the measurements). A padded counter takes 128 bytes instead of 16.
///
/// Pad neighbouring counters that different cores increment often, such as a counter of the writer and a counter of the
/// readers. Do not pad counters that only one thread increments, or that are incremented seldom: without padding, the
/// struct stays small, and one cache line holds several counters. For one counter that all cores increment, use a
/// [`ShardedCounter`](crate::ShardedCounter): padding does not help.
///
/// It dereferences to the instrument:
///
/// ```
/// use papyra_metrics::{Counter, Gauge, Metrics, CachePadded};
///
/// #[derive(Debug, Default, Metrics)]
/// struct LogMetrics {
///     /// Counted by the writer.
///     records_written: CachePadded<Counter>,
///     /// Counted by the readers.
///     records_read: CachePadded<Counter>,
///     readers: CachePadded<Gauge>,
/// }
///
/// static METRICS: LogMetrics = LogMetrics {
///     records_written: CachePadded::new(Counter::new()),
///     records_read: CachePadded::new(Counter::new()),
///     readers: CachePadded::new(Gauge::new()),
/// };
///
/// METRICS.records_written.inc();
/// METRICS.readers.set(2);
/// assert_eq!(METRICS.snapshot().to_string(), "records_written: 1\nrecords_read: 0\nreaders: 2");
/// ```
///
/// In a [plain struct](derive@crate::Metrics#plain-structs), `#[metrics(padded)]` on a field pads the field, and
/// `#[metrics(storage = Name, padded)]` on the struct pads all its fields.
// 128 bytes: a cache line of Apple's and other large Arm cores, and the pair of lines that x86-64 fetches together.
#[repr(align(128))]
#[derive(Clone, Copy, Default)]
pub struct CachePadded<I>(I);

impl<I> CachePadded<I> {
    /// Pads an instrument.
    #[inline]
    pub const fn new(instrument: I) -> Self {
        Self(instrument)
    }

    /// Returns the instrument without its padding.
    #[inline]
    pub fn into_inner(self) -> I {
        self.0
    }
}

impl<I> Deref for CachePadded<I> {
    type Target = I;

    #[inline]
    fn deref(&self) -> &I {
        &self.0
    }
}

impl<I> DerefMut for CachePadded<I> {
    #[inline]
    fn deref_mut(&mut self) -> &mut I {
        &mut self.0
    }
}

impl<I> From<I> for CachePadded<I> {
    #[inline]
    fn from(instrument: I) -> Self {
        Self::new(instrument)
    }
}

impl<I: fmt::Debug> fmt::Debug for CachePadded<I> {
    /// Formats the instrument without its padding.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[diagnostic::do_not_recommend]
impl<I: Instrument> Instrument for CachePadded<I> {
    const KIND: Kind = I::KIND;
    const IS_RESETTABLE: bool = I::IS_RESETTABLE;

    #[inline]
    fn value(&self) -> Value {
        self.0.value()
    }

    #[inline]
    fn total(&self) -> Value {
        self.0.total()
    }

    fn reset(&self) {
        self.0.reset();
    }

    fn take(&self) -> Value {
        self.0.take()
    }

    const __UNIT: Option<&'static str> = I::__UNIT;
    const __SCALE: Option<Scale<'static>> = I::__SCALE;

    fn __total_into(&self, into: &mut Distribution) -> bool {
        self.0.__total_into(into)
    }

    fn __walk_batch(instruments: &[&Self], walker: &mut dyn Walker) {
        const BATCH: usize = 16;
        for batch in instruments.chunks(BATCH) {
            let last = batch.len() - 1;
            let inner: [&I; BATCH] = array::from_fn(|i| &batch[i.min(last)].0);
            I::__walk_batch(&inner[..batch.len()], walker);
        }
    }

    fn __atomic_layout(&self) -> Option<AtomicLayout> {
        self.0.__atomic_layout()
    }
}

#[diagnostic::do_not_recommend]
impl<I: Inc> Inc for CachePadded<I> {
    #[inline]
    fn inc(&self) {
        self.0.inc();
    }
}

#[diagnostic::do_not_recommend]
impl<I: IncDec> IncDec for CachePadded<I> {
    #[inline]
    fn inc(&self) {
        self.0.inc();
    }

    #[inline]
    fn dec(&self) {
        self.0.dec();
    }
}
