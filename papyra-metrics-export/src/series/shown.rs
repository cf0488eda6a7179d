//! The values that one reading shows.

use papyra_metrics::{Distribution, Tally, Value};

use super::histogram::HistogramReading;
use super::number::{Form, Number};
use crate::family::Family;

/// The values of all series in one reading, in the order of the series.
#[derive(Default)]
pub(crate) struct ShownValues {
    pub(crate) numbers: Vec<Number>,
    /// The buckets of histograms. The number of a histogram is the index of its first one.
    tallies: Vec<Tally>,
}

impl ShownValues {
    pub(crate) fn clear(&mut self) {
        self.numbers.clear();
        self.tallies.clear();
    }

    pub(crate) fn push_histogram(&mut self, tallies: &[Tally]) {
        self.numbers.push(Number::of_index(self.tallies.len()));
        self.tallies.extend_from_slice(tallies);
    }

    /// The buckets of the histogram at this place, which has so many.
    pub(crate) fn tallies(&self, place: usize, buckets: usize) -> &[Tally] {
        let start = self.numbers.get(place).map_or(0, |number| number.index());
        self.tallies.get(start..start + buckets).unwrap_or_default()
    }

    /// Replaces the number at this place, which is that of a histogram, by its buckets.
    pub(crate) fn set_histogram(&mut self, place: usize, tallies: &[Tally]) {
        self.numbers[place] = Number::of_index(self.tallies.len());
        self.tallies.extend_from_slice(tallies);
    }

    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.numbers.clone_from(&other.numbers);
        self.tallies.clone_from(&other.tallies);
    }

    /// Makes this the value at this place. A histogram in it is reused, so that nothing is allocated.
    pub(crate) fn write_value(&self, place: usize, form: Form, family: &Family, value: &mut Value) {
        if let Some(number) = self.numbers[place].value(form) {
            *value = number;
        } else if let Some(histogram) = self.histogram(place, family) {
            if let Value::Histogram(distribution) = value {
                histogram.copy_to(distribution);
            } else {
                let mut distribution = Box::<Distribution>::default();
                histogram.copy_to(&mut distribution);
                *value = Value::Histogram(distribution);
            }
        }
    }

    /// The histogram at this place, if the family is one of histograms.
    pub(crate) fn histogram<'a>(
        &'a self,
        place: usize,
        family: &'a Family,
    ) -> Option<HistogramReading<'a>> {
        let buckets = family.buckets()?;
        Some(HistogramReading { buckets, tallies: self.tallies(place, buckets.len()) })
    }
}
