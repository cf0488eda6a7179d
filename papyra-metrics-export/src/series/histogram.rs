//! Histograms: the buckets of a family, and the values of a series. The values do not start again at zero when the
//! metrics are reset or the backend is reopened.

use papyra_metrics::{Distribution, Tally};

use crate::decimal;

/// The buckets of a family of histograms. All histograms of the family have the same buckets.
#[derive(Debug)]
pub(crate) struct Buckets {
    /// A distribution with these buckets and no values.
    empty: Distribution,
}

impl Buckets {
    pub(crate) fn of(distribution: &Distribution) -> Self {
        let mut empty = distribution.clone();
        empty.tallies_mut().fill(Tally::default());
        Self { empty }
    }

    /// Returns the number of buckets, including the bucket above the last bound.
    pub(crate) fn len(&self) -> usize {
        self.empty.tallies().len()
    }

    /// Returns the inclusive upper bounds in base units.
    pub(crate) fn bounds(&self) -> &[u64] {
        self.empty.bounds()
    }

    pub(crate) fn base_units_per_unit(&self) -> u64 {
        self.empty.base_units_per_unit()
    }

    /// Returns whether the distribution has these buckets.
    pub(crate) fn are_those_of(&self, distribution: &Distribution) -> bool {
        self.base_units_per_unit() == distribution.base_units_per_unit()
            && self.bounds() == distribution.bounds()
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.are_those_of(&other.empty)
    }

    /// Returns the bounds in the exported unit.
    pub(crate) fn bounds_in_unit(&self) -> impl Iterator<Item = f64> {
        self.empty.buckets().take(self.bounds().len()).map(|bucket| bucket.upper())
    }

    /// Returns the bounds in the exported unit, as Prometheus writes them in the label `le`.
    pub(crate) fn written_bounds(&self) -> Vec<String> {
        let written = self.bounds_in_unit().map(|bound| {
            let mut text = String::new();
            decimal::push_canonical(bound, &mut text);
            text
        });
        written.collect()
    }
}

/// The exported values of a histogram in one reading.
#[derive(Clone, Copy)]
pub(crate) struct HistogramReading<'a> {
    pub(crate) buckets: &'a Buckets,
    /// The count and the sum of each bucket, each added up over all sources of the series. Counts never fall.
    pub(crate) tallies: &'a [Tally],
}

impl HistogramReading<'_> {
    /// Overwrites the distribution with these buckets, counts and sums. Reuses the memory of the distribution.
    pub(crate) fn copy_to(self, distribution: &mut Distribution) {
        distribution.clone_from(&self.buckets.empty);
        for (tally, exported) in distribution.tallies_mut().iter_mut().zip(self.tallies) {
            *tally = *exported;
        }
    }
}

/// The values of one series whose metric is a histogram.
pub(crate) struct HistogramValues {
    /// The exported count and sum of each bucket, added up over all sources of the series.
    exported: Box<[Tally]>,
    /// The part of the exported values that is not included in the totals of the current source: the totals of earlier
    /// sources, and the totals before a reset. `None` if there is no such part.
    base: Option<Box<[Tally]>>,
}

impl HistogramValues {
    /// Creates the values of a series with this number of buckets.
    pub(crate) fn new(buckets: usize) -> Self {
        Self { exported: vec![Tally::default(); buckets].into_boxed_slice(), base: None }
    }

    pub(crate) fn exported(&self) -> &[Tally] {
        &self.exported
    }

    /// Continues the series with another source. `counted` contains earlier totals of the new source, which must not be
    /// added to the series again.
    pub(crate) fn change_source(&mut self, counted: Option<&[Tally]>) {
        let mut base = self.exported.clone();
        for (base, counted) in base.iter_mut().zip(counted.unwrap_or_default()) {
            *base = base.wrapping_sub(*counted);
        }
        self.base = Some(base);
    }

    /// Returns the last totals of the current source.
    pub(crate) fn source_totals(&self) -> Box<[Tally]> {
        let mut totals = self.exported.clone();
        for (total, base) in totals.iter_mut().zip(self.base.iter().flatten()) {
            *total = total.wrapping_sub(*base);
        }
        totals
    }

    /// Updates the exported values from the current totals of the source, and replaces the totals by the exported values.
    pub(crate) fn apply(&mut self, totals: &mut [Tally]) {
        let has_fallen = match &self.base {
            None => has_fallen(totals, self.exported.iter().copied()),
            Some(base) => {
                let before =
                    self.exported.iter().zip(base).map(|(it, base)| it.wrapping_sub(*base));
                has_fallen(totals, before)
            }
        };
        if has_fallen {
            // The source was reset. The totals before the reset are kept as the base.
            self.change_source(None);
        }
        if let Some(base) = &self.base {
            for (total, base) in totals.iter_mut().zip(base) {
                *total = base.wrapping_add(*total);
            }
        }
        self.exported.copy_from_slice(totals);
    }
}

/// Returns whether one of the totals is lower than before. The sum of the last bucket is ignored: values in this bucket
/// are unbounded, so their sum may wrap.
fn has_fallen(totals: &[Tally], before: impl ExactSizeIterator<Item = Tally>) -> bool {
    let (mut has_fallen, mut last_sum_has_fallen) = (false, false);
    // The loop does not return early: it is faster without branches, and totals rarely fall.
    for (total, before) in totals.iter().zip(before) {
        has_fallen |= last_sum_has_fallen;
        has_fallen |= total.count < before.count;
        last_sum_has_fallen = total.sum < before.sum;
    }
    has_fallen
}

#[cfg(test)]
mod tests {
    use papyra_metrics::Tally;

    use super::HistogramValues;

    fn tallies(values: [(u64, u64); 3]) -> [Tally; 3] {
        values.map(|(count, sum)| Tally { count, sum })
    }

    #[test]
    fn a_reset_seen_in_one_sum_keeps_the_earlier_values_of_all_buckets() {
        let mut values = HistogramValues::new(3);
        values.apply(&mut tallies([(1, 4), (1, 9), (0, 0)]));
        // After the reset, every count is again at least as high as before; only the sum of the second bucket is lower.
        values.apply(&mut tallies([(1, 5), (2, 8), (3, 90)]));
        assert_eq!(values.exported(), tallies([(2, 9), (3, 17), (3, 90)]));
    }

    #[test]
    fn a_sum_without_bound_that_wraps_is_not_a_reset() {
        let mut values = HistogramValues::new(3);
        values.apply(&mut tallies([(1, 4), (0, 0), (2, u64::MAX)]));
        values.apply(&mut tallies([(1, 4), (0, 0), (3, 7)]));
        assert_eq!(values.exported(), tallies([(1, 4), (0, 0), (3, 7)]));
    }

    #[test]
    fn a_source_that_returns_continues_from_its_earlier_totals() {
        let mut values = HistogramValues::new(3);
        values.apply(&mut tallies([(1, 4), (1, 9), (0, 0)]));
        let counted = values.source_totals();
        values.change_source(None);
        values.apply(&mut tallies([(1, 1), (0, 0), (0, 0)]));
        assert_eq!(values.source_totals()[..], tallies([(1, 1), (0, 0), (0, 0)]));
        values.change_source(Some(&counted));
        values.apply(&mut tallies([(2, 8), (1, 9), (0, 0)]));
        assert_eq!(values.exported(), tallies([(3, 9), (1, 9), (0, 0)]));
    }
}
