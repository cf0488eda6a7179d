//! Finds the bucket of a value without a loop over the bounds and without a branch.
//!
//! Values with the same number of leading zeros form an octave. For each octave, the table contains the number of bounds
//! below the octave, and the bounds within the octave. The index of a value's bucket is the number of bounds below the
//! value's octave, plus the number of bounds within the octave that are below the value: one look-up, and a comparison
//! for each bound that an octave can have. An octave contains at most one bound if the bounds are 1, 2 and 5 of each
//! decade, and at most two bounds if they are 1, 1.5, 2, 3, 5 and 7 of each decade.
//!
//! The caller counts the leading zeros, because the fastest way depends on the processor: without the instruction
//! `lzcnt`, counting can take a third of the time of a recording. `bsr`, the alternative, has no result for zero, so
//! callers without `lzcnt` count the zeros of `value | 1`.

use super::cells::{BucketCells, CellIndex};

/// The number of octaves: one for each number of leading zeros from 0 to 64.
const OCTAVES: usize = u64::BITS as usize + 1;

/// Returns the octave of a bound: its number of leading zeros. A bound of zero is in the octave of 1, because callers of
/// [`BucketTable::find`] may pass 63 leading zeros for the value zero. So the octave of 64 leading zeros has no bounds, and
/// selects the first bucket.
const fn octave_of(bound: u64) -> usize {
    (bound | 1).leading_zeros() as usize
}

/// A look-up table for `BUCKETS` buckets. At most `PER_OCTAVE` of their bounds are in one octave.
#[derive(Debug)]
pub struct BucketTable<const PER_OCTAVE: usize, const BUCKETS: usize> {
    octaves: [Octave<PER_OCTAVE>; OCTAVES],
}

/// Aligned so that an octave with at most one bound, which is the usual case, is within one cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
struct Octave<const PER_OCTAVE: usize> {
    /// The number of bounds below the octave.
    below: usize,
    /// The bounds within the octave, padded with `u64::MAX`, which no value exceeds.
    bounds: [u64; PER_OCTAVE],
}

impl<const PER_OCTAVE: usize, const BUCKETS: usize> BucketTable<PER_OCTAVE, BUCKETS> {
    /// Creates the table for rising inclusive upper bounds, one for each bucket except the last.
    pub const fn new(bounds: &[u64]) -> Self {
        assert!(bounds.len() + 1 == BUCKETS);
        let mut octaves = [Octave { below: 0, bounds: [u64::MAX; PER_OCTAVE] }; OCTAVES];
        // From the octave of the lowest values to that of the highest.
        let (mut zeros, mut i) = (OCTAVES, 0);
        while zeros > 0 {
            zeros -= 1;
            let octave = &mut octaves[zeros];
            octave.below = i;
            while i < bounds.len() && octave_of(bounds[i]) == zeros {
                octave.bounds[i - octave.below] = bounds[i];
                i += 1;
            }
        }
        Self { octaves }
    }

    /// Returns the index of the first bound that is not below the value, or the number of bounds if all are below the value.
    ///
    /// `leading_zeros` is the number of leading zeros of the value. For the value 0, it may be 64, or 63 as for the value 1.
    #[inline]
    pub const fn find(&self, value: u64, leading_zeros: u32) -> CellIndex<BucketCells<BUCKETS>> {
        let octave = &self.octaves[leading_zeros as usize];
        let mut bucket = octave.below;
        let mut i = 0;
        while i < PER_OCTAVE {
            bucket += (octave.bounds[i] < value) as usize;
            i += 1;
        }
        // Each bound is counted at most once, so the index is valid even if the number of leading zeros is wrong.
        CellIndex::new(bucket)
    }
}

/// Returns the highest number of bounds in one octave, or 1 if there are no bounds.
pub const fn most_per_octave(bounds: &[u64]) -> usize {
    let (mut most, mut run, mut i) = (1, 0, 0);
    while i < bounds.len() {
        let same = i > 0 && octave_of(bounds[i]) == octave_of(bounds[i - 1]);
        run = if same { run + 1 } else { 1 };
        if run > most {
            most = run;
        }
        i += 1;
    }
    most
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{BucketTable, most_per_octave};

    fn check<const PER_OCTAVE: usize, const BUCKETS: usize>(bounds: &[u64]) {
        assert_eq!(most_per_octave(bounds), PER_OCTAVE, "{bounds:?}");
        let table = BucketTable::<PER_OCTAVE, BUCKETS>::new(bounds);
        let around = bounds.iter().flat_map(|b| [b.saturating_sub(1), *b, b.saturating_add(1)]);
        let powers = (0..64).flat_map(|shift| [1 << shift, (1 << shift) - 1]);
        for value in around.chain(powers).chain([u64::MAX]) {
            let expected = bounds.iter().filter(|bound| **bound < value).count();
            assert_eq!(
                table.find(value, value.leading_zeros()).get(),
                expected,
                "{value} in {bounds:?}"
            );
            let of_one = (value | 1).leading_zeros();
            assert_eq!(table.find(value, of_one).get(), expected, "{value} in {bounds:?}");
        }
    }

    #[test]
    fn finds_the_first_bound_that_is_not_below_the_value() {
        check::<1, 1>(&[]);
        check::<1, 2>(&[0]);
        check::<1, 2>(&[7]);
        check::<1, 11>(&[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]);
        check::<3, 7>(&[0, 1, 15, 16, 20, 30]);
        check::<2, 4>(&[0, 1, 2]);
        check::<5, 12>(&[10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110]);
        check::<1, 3>(&[1, u64::MAX]);
        check::<2, 3>(&[u64::MAX - 1, u64::MAX]);
    }
}
