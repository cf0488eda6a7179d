//! Distributions as text.

use core::fmt;

use super::Distribution;
use crate::histogram::bucket_set::BucketSet;
use crate::histogram::estimate;
use crate::histogram::human::Human;

impl<B: BucketSet> fmt::Display for Distribution<B> {
    /// Writes `count 4, mean 360 µs, p50 88.6 µs, p99 1.2 ms, max ≤ 2 ms`. The last part is `max > 100 s` if a value is above
    /// the last bound, here 100 s. For an empty distribution, writes only `count 0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scale, tallies) = (self.scale(), self.tallies());
        let human = |base_units| Human { base_units, scale };
        write!(f, "count {}", self.count())?;
        let mean = estimate::mean(scale.bounds, tallies);
        let p50 = estimate::quantile(scale.bounds, tallies, 0.5);
        let p99 = estimate::quantile(scale.bounds, tallies, 0.99);
        for (name, value) in [("mean", mean), ("p50", p50), ("p99", p99)] {
            if let Some(value) = value {
                write!(f, ", {name} {}", human(value))?;
            }
        }
        match estimate::highest(tallies) {
            None => Ok(()),
            Some(bucket) => match (scale.bounds.get(bucket), scale.bounds.last()) {
                (Some(bound), _) => write!(f, ", max ≤ {}", human(*bound)),
                (None, Some(last)) => write!(f, ", max > {}", human(*last)),
                (None, None) => Ok(()),
            },
        }
    }
}

impl<B: BucketSet> fmt::Debug for Distribution<B> {
    /// Writes the count, the sum, and a map from the upper bound of each non-empty bucket to the bucket's count.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct InUse<'a, B: BucketSet>(&'a Distribution<B>);

        impl<B: BucketSet> fmt::Debug for InUse<'_, B> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let in_use = self.0.buckets().filter(|bucket| bucket.count > 0);
                f.debug_map().entries(in_use.map(|bucket| (bucket.upper, bucket.count))).finish()
            }
        }

        f.debug_struct("Distribution")
            .field("count", &self.count())
            .field("sum", &self.sum())
            .field("buckets", &InUse(self))
            .finish()
    }
}
