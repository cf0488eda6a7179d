//! The exported values of series. The totals of counters and histograms include the earlier sources of their series.

use std::ops::Range;

use papyra_metrics::Tally;

use super::exported::ExportedValues;
use super::form_run::FormRun;
use super::histogram::HistogramValues;
use super::number::{Form, Number};
use super::readings::Readings;

/// The initial state of a new series, or of a series that continues from the last value of a closed backend.
#[derive(Default)]
pub(crate) enum Start {
    /// The series has no value until its source is read.
    #[default]
    Unread,
    /// The exported value of a counter, and the part of the value that the current source's total does not include.
    Total {
        exported: u64,
        base: u64,
    },
    Histogram(HistogramValues),
}

/// The values of many series, stored as a struct of arrays, because a reading updates runs of adjacent series.
#[derive(Default)]
pub(crate) struct SeriesValues {
    /// For each series, the last total of a counter's current source, a gauge's value, or an index into `histograms`.
    totals: Vec<Number>,
    /// The part of each counter's exported value that the current source's total does not include: the totals of
    /// earlier sources, and the totals before a reset. The exported value is the sum of the total and the base. This
    /// sum wraps, because the base can be negative: a part of the source's total may have been exported in an earlier
    /// series that the registry has forgotten. The new series does not include that part.
    ///
    /// The list ends after the last base that is not zero, or later. It is empty if no source was ever replaced or
    /// reset.
    bases: Vec<u64>,
    /// The form of each series. `None` before the first value.
    forms: Vec<Option<Form>>,
    /// The forms of the last reading of all series. Empty if the list of series or a form has changed since.
    applied_runs: Vec<FormRun>,
    /// The histograms. An entry is `None` after the histogram was removed by `take_histogram`.
    histograms: Vec<Option<HistogramValues>>,
    /// The indices of the `None` entries in `histograms`, which new histograms reuse.
    free: Vec<usize>,
}

impl SeriesValues {
    pub(crate) fn reserve(&mut self, series: usize) {
        self.totals.reserve(series);
        self.forms.reserve(series);
    }

    pub(crate) fn len(&self) -> usize {
        self.totals.len()
    }

    pub(crate) fn push(&mut self, start: Start) {
        let (number, form) = match start {
            Start::Unread => (Number::default(), None),
            Start::Total { exported, base } => {
                set_base(&mut self.bases, self.totals.len(), base);
                (Number::of_total(exported.wrapping_sub(base)), Some(Form::Total))
            }
            Start::Histogram(values) => {
                let index = add_histogram(&mut self.histograms, &mut self.free, values);
                (Number::of_index(index), Some(Form::Histogram))
            }
        };
        self.totals.push(number);
        self.forms.push(form);
        self.applied_runs.clear();
    }

    /// Returns the exported value of a counter or a gauge.
    pub(crate) fn exported(&self, index: usize) -> Number {
        let (number, base) = (self.totals[index], self.base(index));
        if base == 0 { number } else { Number::of_total(base.wrapping_add(number.total())) }
    }

    fn base(&self, index: usize) -> u64 {
        self.bases.get(index).copied().unwrap_or(0)
    }

    /// Replaces `values` by the exported values of all series.
    #[cold]
    pub(crate) fn copy_to(&self, values: &mut ExportedValues) {
        values.clear();
        values.numbers.extend((0..self.len()).map(|index| self.exported(index)));
        for (index, form) in self.forms.iter().enumerate() {
            if *form == Some(Form::Histogram) {
                values.set_histogram(index, self.histogram(index));
            }
        }
    }

    /// Returns the type of a series' values, or `None` if the series has no value yet.
    pub(crate) fn form(&self, index: usize) -> Option<Form> {
        self.forms[index]
    }

    /// Returns the last total of a counter's current source.
    pub(crate) fn source_total(&self, index: usize) -> u64 {
        self.totals[index].total()
    }

    /// Returns the exported buckets of a histogram.
    fn histogram(&self, index: usize) -> &[Tally] {
        let values = &self.histograms[self.totals[index].index()];
        values.as_ref().map_or(&[], HistogramValues::exported)
    }

    /// Removes the histogram of a series and returns it.
    pub(crate) fn take_histogram(&mut self, index: usize) -> Option<HistogramValues> {
        let index = self.totals[index].index();
        let values = self.histograms[index].take();
        self.free.extend(values.is_some().then_some(index));
        values
    }

    /// Applies a reading of all series, and replaces the readings by the exported values of the series. Returns whether
    /// the form of a series has changed.
    pub(crate) fn apply_all(&mut self, readings: &mut Readings) -> bool {
        if self.applied_runs != readings.forms {
            let is_new = self.apply(0, readings, 0, self.len());
            self.applied_runs.clone_from(&readings.forms);
            return is_new;
        }
        // Usually the forms are those of the last reading, and need not be compared with the form of each series.
        let mut start = 0;
        for run in 0..readings.forms.len() {
            let FormRun { form, end } = readings.forms[run];
            self.apply_run(start..end, readings, start, form);
            start = end;
        }
        false
    }

    /// Applies `len` adjacent readings to `len` adjacent series, and replaces the readings by the exported values of the
    /// series. The first reading has the index `from`, and the first series has the index `first`. Returns whether the
    /// form of a series has changed.
    #[cold]
    pub(crate) fn apply(
        &mut self,
        first: usize,
        readings: &mut Readings,
        from: usize,
        len: usize,
    ) -> bool {
        self.applied_runs.clear();
        let mut is_new = false;
        let mut run = FormRun::position(&readings.forms, from);
        let mut start = 0;
        while start < len {
            let FormRun { form, end } = readings.forms[run];
            let run_end = (end - from).min(len);
            let known = self.forms[first + start];
            let forms = self.forms[first + start..first + run_end].iter();
            let end = start + forms.take_while(|form| **form == known).count();
            let series = first + start..first + end;
            if let Some(form) = form.filter(|form| known != Some(*form)) {
                self.change_form(series.clone(), readings, from + start, form);
                is_new = true;
            }
            self.apply_run(series, readings, from + start, form);
            run += usize::from(end == run_end);
            start = end;
        }
        is_new
    }

    /// Prepares adjacent series for readings of another form. The series have no value yet, or are gauges.
    #[cold]
    fn change_form(&mut self, series: Range<usize>, readings: &Readings, from: usize, form: Form) {
        if form == Form::Histogram {
            for (series, reading) in series.clone().zip(from..) {
                let values = HistogramValues::new(readings.histogram(reading).len());
                let index = add_histogram(&mut self.histograms, &mut self.free, values);
                self.totals[series] = Number::of_index(index);
            }
        }
        self.forms[series].fill(Some(form));
    }

    /// Applies adjacent readings of one form to series that have the same form. The first reading has the index `from`. If
    /// the readings have no form, the series keep their values.
    #[inline]
    fn apply_run(
        &mut self,
        series: Range<usize>,
        readings: &mut Readings,
        from: usize,
        form: Option<Form>,
    ) {
        let numbers = &mut readings.values.numbers[from..from + series.len()];
        match form {
            Some(Form::Total) => self.apply_totals(series, numbers),
            Some(Form::Level | Form::Float) => self.totals[series].copy_from_slice(numbers),
            Some(Form::Histogram) => self.apply_histograms(series, readings, from),
            None => self.keep(series, readings, from),
        }
    }

    /// Applies the totals of adjacent counters.
    #[inline]
    fn apply_totals(&mut self, series: Range<usize>, totals: &mut [Number]) {
        let known = &mut self.totals[series.clone()];
        for (index, (known, total)) in series.clone().zip(known.iter_mut().zip(&*totals)) {
            // A lower total means that the source was reset.
            if total.total() < known.total() {
                add_to_base(&mut self.bases, index, known.total());
            }
            *known = *total;
        }
        if !self.bases.is_empty() {
            self.add_bases(series, totals);
        }
    }

    #[inline(never)]
    fn apply_histograms(&mut self, series: Range<usize>, readings: &mut Readings, from: usize) {
        for (index, reading) in self.totals[series].iter().zip(from..) {
            if let Some(values) = &mut self.histograms[index.index()] {
                let buckets = values.exported().len();
                values.apply(readings.values.tallies_mut(reading, buckets));
            }
        }
    }

    /// Replaces the readings of adjacent series, which could not be read, by the last values of these series.
    #[cold]
    fn keep(&self, series: Range<usize>, readings: &mut Readings, from: usize) {
        for (series, reading) in series.zip(from..) {
            if self.forms[series] == Some(Form::Histogram) {
                readings.values.set_histogram(reading, self.histogram(series));
            } else {
                readings.values.numbers[reading] = self.exported(series);
            }
        }
    }

    /// Adds the bases of adjacent counters to their totals.
    #[cold]
    fn add_bases(&self, series: Range<usize>, numbers: &mut [Number]) {
        let bases = self.bases.get(series.start..).unwrap_or_default();
        for (number, base) in numbers.iter_mut().zip(bases) {
            *number = Number::of_total(base.wrapping_add(number.total()));
        }
    }

    /// Moves the values of `len` series from the index `from` to the smaller index `to`. After all moves, the caller
    /// removes the remaining values with [`truncate`](Self::truncate).
    pub(crate) fn shift(&mut self, from: usize, to: usize, len: usize) {
        self.totals.copy_within(from..from + len, to);
        self.forms.copy_within(from..from + len, to);
        for i in 0..len {
            let base = self.base(from + i);
            set_base(&mut self.bases, to + i, base);
        }
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.totals.truncate(len);
        self.forms.truncate(len);
        self.bases.truncate(len);
        self.applied_runs.clear();
    }
}

fn set_base(bases: &mut Vec<u64>, index: usize, base: u64) {
    if index >= bases.len() {
        if base == 0 {
            return;
        }
        bases.resize(index + 1, 0);
    }
    bases[index] = base;
}

/// Adds the last total before a reset to the base of a counter.
#[cold]
fn add_to_base(bases: &mut Vec<u64>, index: usize, total: u64) {
    let base = bases.get(index).copied().unwrap_or(0);
    set_base(bases, index, base.wrapping_add(total));
}

fn add_histogram(
    histograms: &mut Vec<Option<HistogramValues>>,
    free: &mut Vec<usize>,
    values: HistogramValues,
) -> usize {
    if let Some(index) = free.pop() {
        histograms[index] = Some(values);
        return index;
    }
    histograms.push(Some(values));
    histograms.len() - 1
}
