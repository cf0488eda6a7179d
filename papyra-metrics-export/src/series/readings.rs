//! The readings of sources, before they are applied to their series.

use papyra_metrics::Tally;

use super::number::{Form, Number, UNREAD};

/// The last reading of each source's metrics, with one vector for each field, as in `SeriesValues`.
#[derive(Default)]
pub(crate) struct Readings {
    pub(super) numbers: Vec<Number>,
    /// The tag of each reading's form. The tag is [`UNREAD`] if the metric is absent or could not be read.
    pub(super) forms: Vec<u8>,
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
        self.forms.resize(len, UNREAD);
    }

    pub(crate) fn set(&mut self, index: usize, form: Form, number: Number) {
        self.fill(index + 1);
        (self.numbers[index], self.forms[index]) = (number, form.tag());
    }

    pub(crate) fn set_histogram(&mut self, index: usize, tallies: &[Tally]) {
        self.set(index, Form::Histogram, Number::of_index(self.ends.len()));
        self.tallies.extend_from_slice(tallies);
        self.ends.push(self.tallies.len());
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
        self.forms.resize(first + numbers.len(), form.tag());
        self.numbers.extend(numbers);
    }

    /// Returns the buckets of the histogram with this number.
    pub(super) fn histogram(&self, number: Number) -> &[Tally] {
        let index = number.index();
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.tallies[start..self.ends[index]]
    }
}
