//! Estimates of means and quantiles from the count and the sum of each bucket. All values are in base units: nanoseconds for
//! durations, otherwise the numbers themselves.

use super::amount::MAX_BASE_UNITS;
use super::cells::Tally;

/// The range of the values in one bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    /// The upper bound of the previous bucket, exclusive; 0 for the first bucket, which contains the value 0.
    lower: u64,
    /// The upper bound of this bucket, inclusive; `MAX_BASE_UNITS` for the bucket above the last bound.
    upper: u64,
    /// The smallest value that the bucket can contain.
    least: u64,
}

impl Range {
    /// Returns the range of a bucket. The bucket above the last bound ends at the largest value that is recorded.
    pub(super) fn of(bounds: &[u64], bucket: usize) -> Self {
        let below = bucket.checked_sub(1).and_then(|below| bounds.get(below));
        Self {
            lower: below.copied().unwrap_or(0),
            upper: bounds.get(bucket).copied().unwrap_or(MAX_BASE_UNITS),
            least: below.map_or(0, |bound| bound + 1),
        }
    }

    /// Returns the mean of the bucket's values, rounded down. A reading may include a value in the count and not in the
    /// sum, or the reverse, so the mean is clamped to the range.
    pub(super) fn mean(self, tally: Tally) -> u64 {
        let mean = tally.sum.checked_div(tally.count).unwrap_or(0);
        // If the last bound is `i64::MAX`, the range of the bucket above it is empty, and `least` is greater than `upper`.
        mean.clamp(self.least.min(self.upper), self.upper)
    }

    /// Returns the sum of the bucket's values, clamped to the sums that values in the range can have.
    fn sum(self, tally: Tally) -> u128 {
        let count = u128::from(tally.count);
        let (least, most) = (count * u128::from(self.least), count * u128::from(self.upper));
        u128::from(tally.sum).clamp(least.min(most), most)
    }
}

/// Returns the number of values.
pub(super) fn count(tallies: &[Tally]) -> u64 {
    tallies.iter().fold(0, |count, tally| count.wrapping_add(tally.count))
}

/// Returns the sum of the values.
pub(super) fn sum(tallies: &[Tally]) -> u64 {
    tallies.iter().fold(0, |sum, tally| sum.wrapping_add(tally.sum))
}

/// Returns the mean of the values, rounded to the nearest base unit, or `None` if there are no values.
pub(super) fn mean(bounds: &[u64], tallies: &[Tally]) -> Option<u64> {
    let (mut sum, mut count) = (0_u128, 0_u128);
    for (bucket, tally) in tallies.iter().enumerate() {
        // Saturates, because counts that were read from a file or another process may be any numbers.
        sum = sum.saturating_add(Range::of(bounds, bucket).sum(*tally));
        count += u128::from(tally.count);
    }
    let rounded = sum.saturating_add(count / 2).checked_div(count)?;
    u64::try_from(rounded).ok()
}

/// Returns the index of the highest bucket that is not empty, or `None` if all are empty.
pub(super) fn highest(tallies: &[Tally]) -> Option<usize> {
    tallies.iter().rposition(|tally| tally.count > 0)
}

/// Estimates the `q`-quantile, by interpolation inside the bucket that contains it. Returns `None` if there are no values or
/// `q` is NaN.
pub(super) fn quantile(bounds: &[u64], tallies: &[Tally], q: f64) -> Option<u64> {
    let highest = highest(tallies)?;
    if q.is_nan() {
        return None;
    }
    let rank = q.clamp(0.0, 1.0) * to_float(count(tallies));
    let mut below = 0_u64;
    for (bucket, tally) in tallies.iter().enumerate().filter(|(_, tally)| tally.count > 0) {
        let through = below.saturating_add(tally.count);
        if to_float(through) >= rank || bucket == highest {
            let position = (rank - to_float(below)) / to_float(tally.count);
            return Some(within(Range::of(bounds, bucket), *tally, position.clamp(0.0, 1.0)));
        }
        below = through;
    }
    None
}

/// Estimates the value at a position from 0 to 1 among the values of one bucket.
///
/// The values in the bucket above the last bound are assumed to extend as far above their mean as the bucket extends below
/// the mean.
fn within(range: Range, tally: Tally, position: f64) -> u64 {
    let mean = range.mean(tally);
    let upper = match range.upper {
        MAX_BASE_UNITS => mean.saturating_add(mean - range.lower).min(MAX_BASE_UNITS),
        bound => bound,
    };
    if tally.count == 1 || upper <= range.lower {
        return mean;
    }
    let (lower, mean, width) =
        (to_float(range.lower), to_float(mean), to_float(upper - range.lower));
    let value = lower + width * interpolate((mean - lower) / width, position);
    // Rounding may move the value out of the bucket.
    to_integer(value).clamp(range.least.min(range.upper), range.upper)
}

/// Returns the value at a position from 0 to 1 among values between 0 and 1 whose mean is `mean`.
///
/// The density of the values is assumed to be a linear function, chosen so that they have this mean. If the mean is one
/// half, the density is constant, which gives the usual linear interpolation. If the mean is below one third, the density
/// falls to zero within the range, and stays zero. If the mean is above one half, the density is the mirror image of the
/// density for `1 - mean`.
fn interpolate(mean: f64, position: f64) -> f64 {
    if mean > 0.5 {
        return 1.0 - interpolate(1.0 - mean, 1.0 - position);
    }
    // The cumulative distribution is a parabola. The value is the solution of a quadratic equation.
    let fraction = if mean < 1.0 / 3.0 {
        3.0 * mean * (1.0 - square_root(1.0 - position))
    } else {
        // The density falls from `1 + slope / 2` at 0 to `1 - slope / 2` at 1.
        let slope = 12.0 * (0.5 - mean);
        let start = 1.0 + slope / 2.0;
        // This form of the solution does not divide by the slope, which may be zero.
        2.0 * position / (start + square_root(start * start - 2.0 * slope * position))
    };
    fraction.clamp(0.0, 1.0)
}

/// Computes the square root by Newton's method, because `f64::sqrt` needs std. Returns zero for numbers that rounding
/// has made negative.
fn square_root(number: f64) -> f64 {
    if number <= 0.0 {
        return 0.0;
    }
    // Halving the exponent gives a value within a few percent of the root, and each step squares the relative error.
    let mut root = f64::from_bits((number.to_bits() >> 1) + (1023 << 51));
    for _ in 0..5 {
        root = 0.5 * (root + number / root);
    }
    root
}

/// Converts a number to a float, exactly up to 2⁵³; an estimate does not need more.
#[allow(clippy::cast_precision_loss)]
fn to_float(number: u64) -> f64 {
    number as f64
}

/// Rounds to the nearest integer. `f64::round` needs std.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the number is not negative, and the cast saturates
fn to_integer(number: f64) -> u64 {
    (number + 0.5) as u64
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{interpolate, square_root};

    #[test]
    fn square_roots_are_those_of_std() {
        for number in [-1e-20, 0.0, 1e-300, 1e-9, 0.25, 0.5, 1.0, 2.0, 3.999, 1e300] {
            let (root, expected) = (square_root(number), f64::max(number, 0.0).sqrt());
            assert!((root - expected).abs() <= 1e-14 * expected, "{number}: {root}");
        }
    }

    #[test]
    fn interpolated_values_have_the_given_mean() {
        const STEPS: u32 = 100_000;
        for mean in [0.0, 0.01, 0.2, 0.333, 0.334, 0.45, 0.5, 0.6, 0.667, 0.9, 1.0] {
            let value = |step| interpolate(mean, (f64::from(step) + 0.5) / f64::from(STEPS));
            let (mut sum, mut last) = (0.0, 0.0);
            for step in 0..STEPS {
                assert!((last..=1.0).contains(&value(step)), "{mean} at {step}");
                last = value(step);
                sum += last;
            }
            let found = sum / f64::from(STEPS);
            assert!((found - mean).abs() < 1e-4, "{found} instead of {mean}");
        }
    }
}
