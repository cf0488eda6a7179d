//! Stores the values of all series in one reading.

use papyra_metrics::{Distribution, Tally, Value};

use super::histogram::HistogramReading;
use super::number::{Form, Number};
use crate::family::Family;

/// The values of all series in one reading, in the order of the series.
#[derive(Default)]
pub(crate) struct ExportedValues {
    pub(crate) numbers: Vec<Number>,
    /// The buckets of all histograms. The entry of a histogram in `numbers` is the index of its first bucket in this
    /// list.
    tallies: Vec<Tally>,
}

impl ExportedValues {
    pub(crate) fn clear(&mut self) {
        self.numbers.clear();
        self.tallies.clear();
    }

    pub(crate) fn push_histogram(&mut self, tallies: &[Tally]) {
        let number = self.add_tallies(tallies);
        self.numbers.push(number);
    }

    /// Adds the buckets of a histogram. Returns the index of the first bucket as a number.
    pub(super) fn add_tallies(&mut self, tallies: &[Tally]) -> Number {
        let number = Number::of_index(self.tallies.len());
        self.tallies.extend_from_slice(tallies);
        number
    }

    /// Returns the buckets of a histogram. `index` is the index of the histogram in `numbers`, and `buckets` is the
    /// number of its buckets.
    pub(crate) fn tallies(&self, index: usize, buckets: usize) -> &[Tally] {
        let start = self.numbers.get(index).map_or(0, |number| number.index());
        self.tallies.get(start..start + buckets).unwrap_or_default()
    }

    /// Like [`tallies`](Self::tallies), but mutable.
    pub(super) fn tallies_mut(&mut self, index: usize, buckets: usize) -> &mut [Tally] {
        let start = self.numbers.get(index).map_or(0, |number| number.index());
        self.tallies.get_mut(start..start + buckets).unwrap_or_default()
    }

    /// Adds the buckets of a histogram, and sets `numbers[index]` to the index of the first bucket.
    pub(crate) fn set_histogram(&mut self, index: usize, tallies: &[Tally]) {
        self.numbers[index] = self.add_tallies(tallies);
    }

    /// Subtracts a total from the counter with this index.
    pub(crate) fn subtract_total(&mut self, index: usize, total: u64) {
        let number = &mut self.numbers[index];
        *number = Number::of_total(number.total().wrapping_sub(total));
    }

    /// Subtracts the totals of each bucket from the histogram with this index.
    pub(crate) fn subtract_tallies(&mut self, index: usize, totals: &[Tally]) {
        let tallies = &mut self.tallies[self.numbers[index].index()..];
        for (tally, total) in tallies.iter_mut().zip(totals) {
            *tally = tally.wrapping_sub(*total);
        }
    }

    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.numbers.clone_from(&other.numbers);
        self.tallies.clone_from(&other.tallies);
    }

    /// Writes the value of a series to `value`. `index` is the index of the series in `numbers`. If `value` already
    /// contains a histogram, the memory of that histogram is reused.
    pub(crate) fn write_value(&self, index: usize, form: Form, family: &Family, value: &mut Value) {
        if let Some(number) = self.numbers[index].value(form) {
            *value = number;
        } else if let Some(histogram) = self.histogram(index, family) {
            if let Value::Histogram(distribution) = value {
                histogram.copy_to(distribution);
            } else {
                let mut distribution = Box::<Distribution>::default();
                histogram.copy_to(&mut distribution);
                *value = Value::Histogram(distribution);
            }
        }
    }

    /// Returns the values of a histogram. `index` is the index of the histogram in `numbers`. `None` if the metrics of
    /// the family are not histograms, or if the buckets of the family are not known yet.
    pub(crate) fn histogram<'a>(
        &'a self,
        index: usize,
        family: &'a Family,
    ) -> Option<HistogramReading<'a>> {
        let buckets = family.buckets()?;
        Some(HistogramReading { buckets, tallies: self.tallies(index, buckets.len()) })
    }
}
