//! The readings of sources, before they are applied to their series.

use papyra_metrics::Tally;

use super::form_run::FormRun;
use super::number::{Form, Number};

/// The last reading of each source's metrics, in the order of the metrics.
#[derive(Default)]
pub(crate) struct Readings {
    pub(super) numbers: Vec<Number>,
    /// The forms of the readings. A reading has no form if the metric is absent or could not be read.
    pub(super) forms: Vec<FormRun>,
    /// The buckets of histograms, one after another.
    tallies: Vec<Tally>,
    /// The end of each histogram's buckets in `tallies`. The number of a histogram is an index into this list.
    ends: Vec<usize>,
}

impl Readings {
    pub(crate) fn clear(&mut self) {
        self.numbers.clear();
        self.forms.clear();
        self.tallies.clear();
        self.ends.clear();
    }

    /// Returns the number of readings, including unread ones.
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Appends unread entries until there are `len` entries.
    #[inline]
    pub(crate) fn fill(&mut self, len: usize) {
        // Usually no entry is missing, so only this check is inlined.
        if self.numbers.len() < len {
            self.add_unread(len);
        }
    }

    #[cold]
    fn add_unread(&mut self, len: usize) {
        self.numbers.resize(len, Number::default());
        FormRun::append(&mut self.forms, None, len);
    }

    /// Appends a reading.
    pub(crate) fn push(&mut self, form: Form, number: Number) {
        self.numbers.push(number);
        FormRun::append(&mut self.forms, Some(form), self.numbers.len());
    }

    /// Adds the buckets of a histogram. Returns the histogram's number.
    pub(crate) fn add_histogram(&mut self, tallies: &[Tally]) -> Number {
        self.tallies.extend_from_slice(tallies);
        self.ends.push(self.tallies.len());
        Number::of_index(self.ends.len() - 1)
    }

    /// Appends adjacent readings of one form. The first of them gets the index `first`, which must not be less than the
    /// number of existing readings.
    pub(crate) fn add_run(
        &mut self,
        first: usize,
        form: Form,
        numbers: impl ExactSizeIterator<Item = Number>,
    ) {
        self.fill(first);
        self.numbers.extend(numbers);
        FormRun::append(&mut self.forms, Some(form), self.numbers.len());
    }

    /// Returns the buckets of the histogram with this number.
    pub(super) fn histogram(&self, number: Number) -> &[Tally] {
        let index = number.index();
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.tallies[start..self.ends[index]]
    }
}
