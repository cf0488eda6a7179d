//! The values that were read from sources. When they are merged into the series, the exported values replace them.

use papyra_metrics::Tally;

use super::exported::ExportedValues;
use super::form_run::FormRun;
use super::number::{Form, Number};

/// One reading of each metric of each source. The readings are ordered by source and, within a source, by metric.
#[derive(Default)]
pub(crate) struct Readings {
    /// The values that were read. After the readings were merged, the exported values of the series.
    pub(crate) values: ExportedValues,
    /// The forms of the readings. A reading has no form if the metric is absent or could not be read.
    pub(super) forms: Vec<FormRun>,
    /// For each histogram, the index after its last bucket in the list of all buckets.
    ends: Vec<usize>,
}

impl Readings {
    pub(crate) fn clear(&mut self) {
        self.values.clear();
        self.forms.clear();
        self.ends.clear();
    }

    /// Returns the number of readings, including the readings of metrics that are absent or could not be read.
    pub(crate) fn len(&self) -> usize {
        self.values.numbers.len()
    }

    /// Appends readings without a value, for metrics that were not read, until there are `len` readings.
    #[inline]
    pub(crate) fn fill(&mut self, len: usize) {
        // Usually no reading is missing, so only this check is inlined.
        if self.len() < len {
            self.add_unread(len);
        }
    }

    #[cold]
    fn add_unread(&mut self, len: usize) {
        self.values.numbers.resize(len, Number::default());
        FormRun::append(&mut self.forms, None, len);
    }

    pub(crate) fn push(&mut self, form: Form, number: Number) {
        self.values.numbers.push(number);
        FormRun::append(&mut self.forms, Some(form), self.values.numbers.len());
    }

    /// Adds the buckets of a histogram. Returns the index of the first bucket as a number.
    pub(crate) fn add_histogram(&mut self, tallies: &[Tally]) -> Number {
        let number = self.values.add_tallies(tallies);
        self.ends.push(number.index() + tallies.len());
        number
    }

    /// Appends adjacent readings of one form. The first of them gets the index `first`, which must not be less than the
    /// number of existing readings.
    #[inline]
    pub(crate) fn add_run(
        &mut self,
        first: usize,
        form: Form,
        numbers: impl ExactSizeIterator<Item = Number>,
    ) {
        self.fill(first);
        self.values.numbers.extend(numbers);
        FormRun::append(&mut self.forms, Some(form), self.values.numbers.len());
    }

    /// Returns the buckets of a histogram. `index` is the index of its reading.
    pub(super) fn histogram(&self, index: usize) -> &[Tally] {
        let start = self.values.numbers[index].index();
        let end = self.ends[self.ends.partition_point(|end| *end <= start)];
        self.values.tallies(index, end - start)
    }
}
