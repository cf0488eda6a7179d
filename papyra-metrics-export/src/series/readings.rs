//! The readings of sources, before they are applied to their series.

use papyra_metrics::Tally;

use super::number::{Form, Number, UNREAD};

/// The last reading of each source's metrics, with one vector for each field, as in `SeriesValues`.
#[derive(Default)]
pub(crate) struct Readings {
    numbers: Vec<Number>,
    /// The tags of the forms; [`UNREAD`] if the metric is absent or could not be read.
    forms: Vec<u8>,
    /// The buckets of histograms. The number of a histogram is the index of its first bucket.
    tallies: Vec<Tally>,
}

impl Readings {
    pub(crate) fn clear(&mut self) {
        self.numbers.clear();
        self.forms.clear();
        self.tallies.clear();
    }

    /// The number of readings, of which the last ones may be [`UNREAD`].
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
        self.set(index, Form::Histogram, Number::of_index(self.tallies.len()));
        self.tallies.extend_from_slice(tallies);
    }

    /// Appends adjacent readings of one form, which begin at index `first`. There must be no later readings yet.
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

    pub(crate) fn all(&self) -> ReadingsOf<'_> {
        ReadingsOf { numbers: &self.numbers, forms: &self.forms, tallies: &self.tallies }
    }
}

/// The readings of one source, or of several.
#[derive(Clone, Copy)]
pub(crate) struct ReadingsOf<'a> {
    pub(super) numbers: &'a [Number],
    /// The tags of the forms, as in [`Readings`].
    pub(super) forms: &'a [u8],
    tallies: &'a [Tally],
}

impl<'a> ReadingsOf<'a> {
    /// Splits off the readings of the first `metrics` metrics.
    pub(crate) fn split_at(self, metrics: usize) -> (Self, Self) {
        let (numbers, forms) = (self.numbers.split_at(metrics), self.forms.split_at(metrics));
        let [first, rest] = [(numbers.0, forms.0), (numbers.1, forms.1)]
            .map(|(numbers, forms)| Self { numbers, forms, tallies: self.tallies });
        (first, rest)
    }

    pub(super) fn histogram(self, number: Number, buckets: usize) -> Option<&'a [Tally]> {
        self.tallies.get(number.index()..)?.get(..buckets)
    }
}
