//! The atomics of a histogram: a count and a sum for each bucket, and how they are read.
//!
//! As in a counter, recording only adds to the counts and the sums. Each count and each sum has a baseline, and a reset sets
//! the baseline to the current value. Therefore readings, takes, resets and recordings never block each other. If several
//! takes run at the same time, each increment of a count or a sum is returned by exactly one of them.

use core::fmt;
use core::marker::PhantomData;

use crate::atomic::{AtomicU64, Ordering};

/// The atomics with the count and the sum of one bucket. Aligned so that the count and the sum are on one cache line, and so
/// that one 16-byte instruction can store both.
#[derive(Debug)]
#[repr(C, align(16))]
pub struct BucketCell {
    count: AtomicU64,
    sum: AtomicU64,
}

/// The count and the sum of the values of one bucket, see [`Distribution::tallies`](crate::Distribution::tallies).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The number of values.
    pub count: u64,
    /// The sum of the values, in the unit of [`bounds`](crate::Distribution::bounds). Wraps on overflow.
    pub sum: u64,
}

impl Tally {
    pub(crate) const ZERO: Self = Self { count: 0, sum: 0 };

    /// Adds the count and the sum of `other`. The count and the sum wrap on overflow.
    #[inline]
    #[must_use]
    pub fn wrapping_add(self, other: Self) -> Self {
        Self { count: self.count.wrapping_add(other.count), sum: self.sum.wrapping_add(other.sum) }
    }

    /// Subtracts the count and the sum of `other`. The count and the sum wrap below zero.
    #[inline]
    #[must_use]
    pub fn wrapping_sub(self, other: Self) -> Self {
        Self { count: self.count.wrapping_sub(other.count), sum: self.sum.wrapping_sub(other.sum) }
    }

    /// Converts the sum to a smaller base unit. `units` is the factor: 10⁹ converts seconds to nanoseconds. The sum
    /// wraps on overflow.
    #[inline]
    pub(super) fn to_smaller_unit(self, units: u64) -> Self {
        Self { sum: self.sum.wrapping_mul(units), ..self }
    }
}

impl BucketCell {
    #[cfg(not(all(loom, test)))]
    #[allow(clippy::declare_interior_mutable_const)] // copied into each new histogram
    const NEW: Self = Self { count: AtomicU64::new(0), sum: AtomicU64::new(0) };

    #[inline]
    pub(crate) fn add(&self, tally: Tally) {
        // Relaxed: the counts do not guard other memory.
        self.count.fetch_add(tally.count, Ordering::Relaxed);
        self.sum.fetch_add(tally.sum, Ordering::Relaxed);
    }

    /// Loads the count and the sum over the lifetime.
    #[inline]
    pub(crate) fn load(&self) -> Tally {
        Tally { count: self.count.load(Ordering::Relaxed), sum: self.sum.load(Ordering::Relaxed) }
    }

    /// Loads the count and the sum of a baseline. A total that is loaded afterwards is at least as large, so the difference
    /// does not wrap below zero.
    #[inline]
    pub(crate) fn load_baseline(&self) -> Tally {
        Tally { count: self.count.load(Ordering::Acquire), sum: self.sum.load(Ordering::Acquire) }
    }

    /// Advances this baseline to the total and returns the difference. The count and the sum are each advanced atomically.
    ///
    /// `before` is the value of this baseline that the caller has loaded, and `total` was loaded after the baseline. `reload`
    /// loads the total again if another thread has advanced the baseline in the meantime.
    pub(crate) fn advance(&self, before: Tally, total: Tally, reload: impl Fn() -> Tally) -> Tally {
        Tally {
            count: advance_word(&self.count, before.count, total.count, || reload().count),
            sum: advance_word(&self.sum, before.sum, total.sum, || reload().sum),
        }
    }
}

fn advance_word(
    baseline: &AtomicU64,
    mut before: u64,
    mut total: u64,
    reload: impl Fn() -> u64,
) -> u64 {
    // Most buckets have not changed, and a comparison is cheaper than a compare-exchange.
    while total != before {
        // Release: a thread that loads this baseline, and then the total, loads a total that is at least as large. Acquire:
        // the same holds for this thread if the exchange fails.
        match baseline.compare_exchange_weak(before, total, Ordering::Release, Ordering::Acquire) {
            Ok(_) => return total.wrapping_sub(before),
            Err(advanced) => {
                before = advanced;
                total = reload();
            }
        }
    }
    0
}

/// The cells of all buckets, including the bucket above the last bound.
pub trait CellArray: Send + Sync + 'static {
    /// One reading of all cells.
    type Tallies: Clone + Send + Sync + 'static + AsRef<[Tally]> + AsMut<[Tally]>;

    #[cfg(not(all(loom, test)))]
    const NEW: Self;

    #[cfg(all(loom, test))]
    fn new() -> Self;

    const NO_TALLIES: Self::Tallies;

    /// The number of cells.
    const LEN: usize;

    /// The distance between two cells, in bytes.
    const CELL_SIZE: usize = size_of::<BucketCell>();

    fn cells(&self) -> &[BucketCell];
}

/// The cells of `N` buckets.
#[derive(Debug)]
#[repr(transparent)]
pub struct BucketCells<const N: usize>([BucketCell; N]);

impl<const N: usize> CellArray for BucketCells<N> {
    type Tallies = [Tally; N];

    #[cfg(not(all(loom, test)))]
    #[allow(clippy::declare_interior_mutable_const)] // copied into each new histogram
    const NEW: Self = Self([const { BucketCell::NEW }; N]);

    #[cfg(all(loom, test))]
    fn new() -> Self {
        Self(core::array::from_fn(|_| BucketCell {
            count: AtomicU64::new(0),
            sum: AtomicU64::new(0),
        }))
    }

    const NO_TALLIES: Self::Tallies = [Tally::ZERO; N];

    const LEN: usize = N;

    #[inline]
    fn cells(&self) -> &[BucketCell] {
        &self.0
    }
}

/// The index of a bucket's cell. Unsafe code relies on the index being in range for every array of type `C`.
pub struct CellIndex<C>(usize, PhantomData<C>);

impl<const N: usize> CellIndex<BucketCells<N>> {
    /// Creates an index, which must be below `N`.
    #[inline]
    pub(super) const fn new(index: usize) -> Self {
        debug_assert!(index < N);
        Self(index, PhantomData)
    }
}

impl<C> CellIndex<C> {
    #[inline]
    pub(crate) const fn get(self) -> usize {
        self.0
    }
}

impl<C> Copy for CellIndex<C> {}

impl<C> Clone for CellIndex<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> fmt::Debug for CellIndex<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The parts of a histogram that the functions below need: its lifetime values and its baselines.
pub(crate) trait Totals {
    type Cells: CellArray;

    fn baselines(&self) -> &Self::Cells;

    /// Adds the lifetime values of all buckets to the tallies.
    fn add_totals(&self, tallies: &mut [Tally]);

    /// Returns the lifetime values of one bucket.
    fn total_of(&self, bucket: usize) -> Tally;
}

pub(crate) type TalliesOf<T> = <<T as Totals>::Cells as CellArray>::Tallies;

/// Returns the lifetime values.
pub(crate) fn totals<T: Totals>(histogram: &T) -> TalliesOf<T> {
    let mut tallies = T::Cells::NO_TALLIES;
    histogram.add_totals(tallies.as_mut());
    tallies
}

/// Returns the values since the last reset.
pub(crate) fn since_reset<T: Totals>(histogram: &T) -> TalliesOf<T> {
    let before = baselines(histogram);
    let mut tallies = totals(histogram);
    for (tally, before) in tallies.as_mut().iter_mut().zip(before.as_ref()) {
        *tally = tally.wrapping_sub(*before);
    }
    tallies
}

/// Returns the values since the last reset, and resets the histogram. Each count and each sum is read and reset atomically.
pub(crate) fn take<T: Totals>(histogram: &T) -> TalliesOf<T> {
    let before = baselines(histogram);
    let mut tallies = totals(histogram);
    let cells = histogram.baselines().cells();
    for (bucket, ((tally, before), baseline)) in
        tallies.as_mut().iter_mut().zip(before.as_ref()).zip(cells).enumerate()
    {
        *tally = baseline.advance(*before, *tally, || histogram.total_of(bucket));
    }
    tallies
}

/// Loads the baselines. Must be called before any total is loaded; see [`BucketCell::load_baseline`].
fn baselines<T: Totals>(histogram: &T) -> TalliesOf<T> {
    let mut before = T::Cells::NO_TALLIES;
    for (before, baseline) in before.as_mut().iter_mut().zip(histogram.baselines().cells()) {
        *before = baseline.load_baseline();
    }
    before
}
