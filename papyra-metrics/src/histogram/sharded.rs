//! `ShardedHistogram`: a histogram that many cores record into at the same time.

use core::fmt;

use super::amount::Amount;
use super::buckets::{Buckets, Latency};
use super::cells::{self, CellArray, Tally, Totals};
use super::{BucketSet, Distribution};
use crate::atomic_layout::{AtomicLayout, Form};
use crate::sharded::Blocks;

/// A [`Histogram`](crate::Histogram) that many cores record into at once.
///
/// It has the methods and guarantees of a `Histogram`, but the cores do not wait for each other: each core has its own
/// block of buckets, as it has its own cell in a [`ShardedCounter`](crate::ShardedCounter). On x86-64 Linux with
/// glibc 2.35 or later and the feature `std`, recording is one restartable sequence that adds to the count and the sum
/// in a single store. Elsewhere, threads share 16 blocks and record by atomic instructions.
///
/// ```
/// use papyra_metrics::ShardedHistogram;
/// use std::time::Duration;
///
/// static LOOKUP: ShardedHistogram = ShardedHistogram::new();
///
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| (0..1_000).for_each(|_| LOOKUP.record(Duration::from_nanos(750))));
///     }
/// });
/// assert_eq!(LOOKUP.take().count(), 4_000);
/// assert_eq!((LOOKUP.get().count(), LOOKUP.total().count()), (0, 4_000));
/// ```
///
/// # When to use it
///
/// Use it for the few histograms that every core records into all the time, such as look-ups of a cache. Its buckets are
/// inline and large: with [`Latency`], about 64 KiB on x86-64 Linux with glibc and the feature `std`, and 9 KiB
/// elsewhere. Keep it in a static or in a boxed struct. In a [`Family`](crate::Family), each member has its own blocks,
/// which are whole cache lines. The methods never write or read the blocks of CPUs that the machine cannot have.
#[repr(C)]
pub struct ShardedHistogram<B: Buckets = Latency> {
    pub(super) blocks: Blocks<B::__Cells>,
    baselines: B::__Cells,
}

impl<B: Buckets> ShardedHistogram<B> {
    /// Creates an empty histogram.
    #[cfg(not(all(loom, test)))]
    pub const fn new() -> Self {
        Self { blocks: Blocks::new(), baselines: B::__Cells::NEW }
    }

    /// Creates an empty histogram. Not a `const fn`, because loom's atomics register themselves when they are created.
    #[cfg(all(loom, test))]
    pub fn new() -> Self {
        Self { blocks: Blocks::new(), baselines: B::__Cells::new() }
    }

    /// Records one value.
    #[inline]
    pub fn record(&self, value: B::Value) {
        self.record_n(value, 1);
    }

    /// Records a value `n` times at once.
    #[inline]
    pub fn record_n(&self, value: B::Value, n: u64) {
        let value = value.to_base_units();
        self.blocks.add::<B>(value, Tally { count: n, sum: value.wrapping_mul(n) });
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

impl<B: Buckets> Totals for ShardedHistogram<B> {
    type Cells = B::__Cells;

    fn baselines(&self) -> &B::__Cells {
        &self.baselines
    }

    fn add_totals(&self, tallies: &mut [Tally]) {
        self.blocks.for_each_used(|block| {
            for (tally, cell) in tallies.iter_mut().zip(block.cells()) {
                *tally = tally.wrapping_add(cell.load());
            }
        });
    }

    fn total_of(&self, bucket: usize) -> Tally {
        let mut total = Tally::ZERO;
        self.blocks.for_each_used(|block| {
            if let Some(cell) = block.cells().get(bucket) {
                total = total.wrapping_add(cell.load());
            }
        });
        total
    }
}

impl<B: Buckets> ShardedHistogram<B> {
    pub(crate) fn atomic_layout(&self) -> AtomicLayout {
        self.blocks
            .atomic_layout()
            .with_baseline(&self.baselines)
            .with_form(Form::Histogram(<B as BucketSet>::__scale(&())))
    }
}

impl<B: Buckets> Default for ShardedHistogram<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B: Buckets> fmt::Debug for ShardedHistogram<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, total) = (self.get(), self.total());
        f.debug_struct("ShardedHistogram").field("value", &value).field("total", &total).finish()
    }
}
