//! Replays a histogram to a receiver that accepts only single values. For each new value in a bucket, the receiver gets
//! the mean of the new values in that bucket.
//!
//! The count of each bucket is exact, and the sum is exact up to the precision of a float.

use papyra_metrics::Tally;

use crate::series::histogram::{Buckets, HistogramReading};

/// The values of a histogram that a receiver has already been given, as a count and a sum for each bucket.
#[derive(Debug)]
pub(crate) struct Replay {
    given: Box<[Tally]>,
}

/// Equal values to give to a receiver in place of new values in one bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Values {
    /// The mean of the new values, in the exported unit. It lies within the bucket.
    pub(crate) mean: f64,
    pub(crate) count: u64,
    /// The bucket's count and sum at the receiver, once the receiver has been given these values.
    pub(crate) given: Tally,
}

impl Replay {
    /// Creates the state of a receiver that has not been given any values yet.
    pub(crate) fn new(buckets: &Buckets) -> Self {
        Self { given: vec![Tally::default(); buckets.len()].into_boxed_slice() }
    }

    /// Marks all values in this reading as given.
    #[cfg(feature = "metrics")]
    pub(crate) fn skip(&mut self, reading: HistogramReading<'_>) {
        self.given.copy_from_slice(reading.tallies);
    }

    /// Returns the number of values that have not been given to the receiver yet.
    #[cfg(feature = "opentelemetry")]
    pub(crate) fn backlog(&self, reading: HistogramReading<'_>) -> u64 {
        let pairs = reading.tallies.iter().zip(&self.given);
        pairs.map(|(tally, given)| tally.wrapping_sub(*given).count).sum()
    }

    /// Gives the new values of each bucket to the receiver, at most `limit` values in total. Returns the number of
    /// given values.
    pub(crate) fn give(
        &mut self,
        reading: HistogramReading<'_>,
        limit: u64,
        mut receive: impl FnMut(f64, u64),
    ) -> u64 {
        let mut left = limit;
        for bucket in 0..self.given.len() {
            let given = &mut self.given[bucket];
            if let Some(values) = new_values(reading, bucket, *given, left) {
                receive(values.mean, values.count);
                *given = values.given;
                left -= values.count;
            }
        }
        limit - left
    }
}

/// Returns the new values of a bucket, at most `limit`, or `None` if there are none.
pub(crate) fn new_values(
    reading: HistogramReading<'_>,
    bucket: usize,
    given: Tally,
    limit: u64,
) -> Option<Values> {
    let Tally { count: new, sum } = reading.tallies.get(bucket)?.wrapping_sub(given);
    let count = new.min(limit);
    if count == 0 {
        return None;
    }
    // The count may include a value that the sum does not include yet, or the reverse, because they are updated one
    // after the other. The sum is clamped so that the mean lies within the bucket. The next mean corrects the error.
    let bounds = reading.buckets.bounds();
    let upper = bounds.get(bucket).copied();
    let lower = bucket.checked_sub(1).map_or(0, |below| bounds[below] + 1);
    let [least, most] =
        [lower, upper.unwrap_or(u64::MAX >> 1)].map(|bound| i128::from(bound) * i128::from(new));
    #[allow(clippy::cast_possible_wrap)] // the difference may be negative, and the sums wrap
    // If the last bound is `i64::MAX`, the range of the bucket above it is empty, and `least` is greater than `most`.
    let sum = i128::from(sum as i64).clamp(least.min(most), most);
    let per_unit = reading.buckets.base_units_per_unit();
    #[allow(clippy::cast_precision_loss)] // the receiver takes a float
    let in_unit = |base_units: u64| base_units as f64 / per_unit as f64;
    #[allow(clippy::cast_precision_loss)]
    let mut mean = sum as f64 / new as f64 / per_unit as f64;
    // The rounded mean may exceed a bound of the bucket.
    if let Some(upper) = upper {
        mean = mean.min(in_unit(upper));
    }
    if bucket > 0 && mean <= in_unit(lower - 1) {
        mean = in_unit(upper.unwrap_or(lower));
    }
    let part = if count == new { sum } else { sum * i128::from(count) / i128::from(new) };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // sums wrap
    let given = given.wrapping_add(Tally { count, sum: part as u64 });
    Some(Values { mean, count, given })
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss)] // of small numbers
mod tests {
    use std::time::Duration;

    use papyra_metrics::{Histogram, Latency, Tally};

    use super::{Replay, Values, new_values};
    use crate::series::histogram::{Buckets, HistogramReading};

    fn buckets() -> Buckets {
        Buckets::of(&Histogram::<Latency>::new().get().erase())
    }

    #[test]
    fn replayed_values_have_the_counts_of_each_bucket_and_the_sum() {
        let histogram: Histogram = Histogram::new();
        let (buckets, mut given, mut sum) = (buckets(), vec![0; 29], 0.0);
        let mut replay = Replay::new(&buckets);
        let mut state = 1_u64;
        for _ in 0..1000 {
            for _ in 0..state % 40 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                histogram.record(Duration::from_nanos(state >> (24 + state % 40)));
            }
            state = state.wrapping_add(1);
            let now = histogram.total();
            let reading = HistogramReading { buckets: &buckets, tallies: now.tallies() };
            // In some rounds, the number of new values exceeds the limit.
            replay.give(reading, 25, |mean, count| {
                let bucket = now.bounds().partition_point(|&bound| bound as f64 / 1e9 < mean);
                given[bucket] += count;
                sum += mean * count as f64;
            });
        }
        let now = histogram.total();
        let reading = HistogramReading { buckets: &buckets, tallies: now.tallies() };
        replay.give(reading, u64::MAX, |mean, count| {
            let bucket = now.bounds().partition_point(|&bound| bound as f64 / 1e9 < mean);
            given[bucket] += count;
            sum += mean * count as f64;
        });
        let counts: Vec<_> = now.tallies().iter().map(|tally| tally.count).collect();
        assert_eq!(given, counts);
        let expected = now.erase().sum();
        assert!((sum / expected - 1.0).abs() < 1e-12, "{sum} of {expected}");
    }

    #[test]
    fn a_sum_that_lags_behind_its_count_moves_no_value_to_another_bucket() {
        let buckets = buckets();
        let next = |count, sum, given| {
            let mut tallies = vec![Tally::default(); 29];
            tallies[1] = Tally { count, sum };
            let reading = HistogramReading { buckets: &buckets, tallies: &tallies };
            new_values(reading, 1, given, 10).unwrap()
        };
        // Two values of 150 ns were counted, but the sum includes only one of them so far.
        let first = next(2, 150, Tally::default());
        let given = Tally { count: 2, sum: 202 };
        assert_eq!(first, Values { mean: 101e-9, count: 2, given });
        let given = Tally { count: 3, sum: 402 };
        assert_eq!(next(3, 450, first.given), Values { mean: 200e-9, count: 1, given });
    }

    #[test]
    fn a_value_above_the_largest_possible_bound_has_that_bound_as_its_mean() {
        papyra_metrics::buckets!(Largest: u64 = [9_223_372_036_854_775_807]);
        // No histogram records such a value, but a damaged published file may contain one.
        let buckets = Buckets::of(&Histogram::<Largest>::new().get().erase());
        let tallies = [Tally::default(), Tally { count: 2, sum: 0 }];
        let reading = HistogramReading { buckets: &buckets, tallies: &tallies };
        let values = new_values(reading, 1, Tally::default(), u64::MAX).unwrap();
        assert_eq!((values.mean, values.count), (9_223_372_036_854_775_807_u64 as f64, 2));
    }

    #[test]
    fn the_mean_of_values_at_a_bound_is_in_their_bucket() {
        let buckets = buckets();
        for (bucket, &bound) in buckets.bounds().iter().enumerate() {
            for count in [1, 3, 7, 1 << 40] {
                let mut tallies = vec![Tally::default(); 29];
                tallies[bucket] = Tally { count, sum: bound.wrapping_mul(count) };
                let reading = HistogramReading { buckets: &buckets, tallies: &tallies };
                let mean = new_values(reading, bucket, Tally::default(), count).unwrap().mean;
                assert!(mean <= bound as f64 / 1e9, "{mean}");
                tallies[bucket + 1] = Tally { count, sum: (bound + 1).wrapping_mul(count) };
                let reading = HistogramReading { buckets: &buckets, tallies: &tallies };
                let above = new_values(reading, bucket + 1, Tally::default(), count).unwrap().mean;
                assert!(above > bound as f64 / 1e9, "{above}");
            }
        }
    }
}
