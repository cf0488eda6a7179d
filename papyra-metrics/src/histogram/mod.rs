//! Histograms of durations and sizes.

use core::fmt;

pub(crate) mod amount;
pub(crate) mod bounds;
mod bucket_set;
mod buckets;
pub(crate) mod cells;
mod distribution;
mod estimate;
mod human;
mod instrument;
#[cfg(all(loom, test))]
mod model;
mod objective;
pub(crate) mod scale;
#[cfg(feature = "serde")]
pub(crate) mod serde;
mod sharded;
pub(crate) mod table;
#[cfg(feature = "std")]
mod timer;

pub use amount::Amount;
pub use bucket_set::{AnyBuckets, BucketSet};
pub use buckets::{Buckets, FineLatency, Latency, Sizes};
pub use distribution::{BoundsMismatch, Bucket, Distribution};
pub use objective::Objective;
#[cfg(feature = "publish")]
pub(crate) use scale::OwnedScale;
pub use sharded::ShardedHistogram;
#[cfg(feature = "std")]
pub use timer::Timer;

use crate::atomic_layout::{AtomicLayout, Form};
pub use cells::Tally;
use cells::{CellArray, Totals};

/// A distribution of durations or sizes: the count and the sum of the recorded values in each bucket.
///
/// The type `B` determines the type of the values and the bounds of the buckets. By default it is [`Latency`]:
/// durations from 100 ns to 100 s. See [`Buckets`].
///
/// ```
/// use papyra_metrics::{Histogram, Sizes};
/// use std::time::Duration;
///
/// static APPEND: Histogram = Histogram::new();
/// static RECORD_SIZE: Histogram<Sizes> = Histogram::new();
///
/// APPEND.record(Duration::from_micros(80));
/// RECORD_SIZE.record(4096);
///
/// let append = APPEND.get();
/// assert_eq!((append.count(), append.sum()), (1, Duration::from_micros(80)));
/// assert_eq!(append.quantile(0.99), Some(Duration::from_micros(80)));
/// assert_eq!(RECORD_SIZE.get().to_string(), "count 1, mean 4 KiB, p50 4 KiB, p99 4 KiB, max ≤ 4 KiB");
/// ```
///
/// # Costs
///
/// Recording is a table look-up that finds the bucket without a branch, and two relaxed atomic additions on one cache
/// line: no lock, no allocation, no float. The atomics are inline: 32 bytes for each bucket, so 928 bytes for
/// [`Latency`]. If several cores record into one histogram all the time, use a [`ShardedHistogram`].
///
/// Measuring a duration, which reads the [clock](Timer#clock) twice, costs five to ten times as much as recording it. If
/// a duration is already known, record it instead of measuring it again.
///
/// # Readings
///
/// As with a [`Counter`](crate::Counter), a reset moves a baseline and does not change the lifetime values.
/// [`get`](Self::get), [`total`](Self::total) and [`take`](Self::take) read one bucket after another, so a reading is
/// not taken at a single instant. A reading may or may not include values that are recorded during the reading, and may
/// include a value in the count and not in the sum, or the reverse. The count of a reading always equals the sum of the
/// counts of its buckets, and the counts of a total never fall. Over any number of concurrent takes, each recorded value
/// is returned in exactly one count and in exactly one sum. Readers and recordings never wait for each other.
///
/// Values are kept as integers: durations in nanoseconds, other values unchanged. An integer above `i64::MAX` (for
/// durations, 292 years) is recorded as `i64::MAX`. Sums wrap on overflow.
// `repr(C)`, because other processes access the cells and the baselines by their offsets.
#[repr(C)]
pub struct Histogram<B: Buckets = Latency> {
    cells: B::__Cells,
    baselines: B::__Cells,
}

impl<B: Buckets> Histogram<B> {
    /// Creates an empty histogram.
    #[cfg(not(all(loom, test)))]
    pub const fn new() -> Self {
        Self { cells: B::__Cells::NEW, baselines: B::__Cells::NEW }
    }

    /// Creates an empty histogram. Not a `const fn`, because loom's atomics register themselves when they are created.
    #[cfg(all(loom, test))]
    pub fn new() -> Self {
        Self { cells: B::__Cells::new(), baselines: B::__Cells::new() }
    }

    /// Records one value.
    #[inline]
    pub fn record(&self, value: B::Value) {
        self.record_n(value, 1);
    }

    /// Records a value `n` times at once, with only two atomic additions.
    ///
    /// ```
    /// use papyra_metrics::{Histogram, Sizes};
    ///
    /// let sizes: Histogram<Sizes> = Histogram::new();
    /// sizes.record_n(100, 3); // a batch of three equal records
    /// assert_eq!((sizes.get().count(), sizes.get().sum()), (3, 300));
    /// ```
    #[inline]
    pub fn record_n(&self, value: B::Value, n: u64) {
        let value = value.to_base_units();
        let index = B::__find(value, (value | 1).leading_zeros());
        // The cell always exists. Unlike an index expression, `get` adds no code for a panic; both cost one comparison.
        if let Some(cell) = self.cells.cells().get(index.get()) {
            cell.add(Tally { count: n, sum: value.wrapping_mul(n) });
        }
    }

    /// Returns the distribution of the values recorded since the last reset.
    pub fn get(&self) -> Distribution<B> {
        Distribution::of(cells::since_reset(self))
    }

    /// Returns the distribution of all values ever recorded, unaffected by resets. Its counts never fall.
    pub fn total(&self) -> Distribution<B> {
        Distribution::of(cells::totals(self))
    }

    /// Resets the histogram: [`get`](Self::get) then returns an empty distribution. The [`total`](Self::total) is
    /// unchanged.
    pub fn reset(&self) {
        self.take();
    }

    /// Returns the same distribution as [`get`](Self::get), and resets the histogram. Each count and each sum is read
    /// and reset in one step.
    ///
    /// Over any number of concurrent takes, each recorded value is in exactly one count and in exactly one sum, but it
    /// may be in the count of one take and in the sum of another. Lock-free: if several takes and resets run at the same
    /// time, one of them succeeds and the others may retry.
    pub fn take(&self) -> Distribution<B> {
        Distribution::of(cells::take(self))
    }
}

impl<B: Buckets> Totals for Histogram<B> {
    type Cells = B::__Cells;

    fn baselines(&self) -> &B::__Cells {
        &self.baselines
    }

    fn add_totals(&self, tallies: &mut [Tally]) {
        for (tally, cell) in tallies.iter_mut().zip(self.cells.cells()) {
            *tally = tally.wrapping_add(cell.load());
        }
    }

    fn total_of(&self, bucket: usize) -> Tally {
        self.cells.cells().get(bucket).map_or(Tally::ZERO, cells::BucketCell::load)
    }
}

impl<B: Buckets> Histogram<B> {
    pub(crate) fn atomic_layout(&self) -> AtomicLayout {
        AtomicLayout::cell(&self.cells)
            .with_baseline(&self.baselines)
            .with_form(Form::Histogram(<B as BucketSet>::__scale(&())))
    }
}

impl<B: Buckets> Default for Histogram<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B: Buckets> fmt::Debug for Histogram<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, total) = (self.get(), self.total());
        f.debug_struct("Histogram").field("value", &value).field("total", &total).finish()
    }
}
