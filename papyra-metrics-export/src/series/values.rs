//! The exported values of series, over all sources that a series had.

use std::ops::Range;

use papyra_metrics::Tally;

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
        shown: u64,
        base: u64,
    },
    Histogram(HistogramValues),
}

/// The values of many series, with one vector for each field, because a reading updates all series.
#[derive(Default)]
pub(crate) struct SeriesValues {
    /// The exported values: a counter's total over all of its sources, a gauge's value, the index of a histogram.
    shown: Vec<Number>,
    /// The part of each counter's exported value that the current source's total does not include: the totals of
    /// earlier sources, and the totals before a reset. The total of the current source is `shown - base`.
    base: Vec<u64>,
    /// The form of each series. `None` before the first value.
    forms: Vec<Option<Form>>,
    /// The runs of equal forms. Empty after series were added or removed, until the next reading.
    runs: Vec<FormRun>,
    /// The histograms. An entry is `None` after the histogram was removed by `take_histogram`.
    histograms: Vec<Option<HistogramValues>>,
    /// The indices of the `None` entries in `histograms`, which new histograms reuse.
    free: Vec<usize>,
}

impl SeriesValues {
    pub(crate) fn reserve(&mut self, series: usize) {
        self.shown.reserve(series);
        self.base.reserve(series);
        self.forms.reserve(series);
    }

    pub(crate) fn len(&self) -> usize {
        self.shown.len()
    }

    pub(crate) fn push(&mut self, start: Start) {
        let (shown, base, form) = match start {
            Start::Unread => (Number::default(), 0, None),
            Start::Total { shown, base } => (Number::of_total(shown), base, Some(Form::Total)),
            Start::Histogram(values) => {
                let index = add_histogram(&mut self.histograms, &mut self.free, values);
                (Number::of_index(index), 0, Some(Form::Histogram))
            }
        };
        self.shown.push(shown);
        self.base.push(base);
        self.forms.push(form);
        self.runs.clear();
    }

    pub(crate) fn shown(&self) -> &[Number] {
        &self.shown
    }

    /// Returns the type of a series' values, or `None` if the series has no value yet.
    pub(crate) fn form(&self, index: usize) -> Option<Form> {
        self.forms[index]
    }

    /// Returns the last total of a counter's current source.
    pub(crate) fn source_total(&self, index: usize) -> u64 {
        self.shown[index].total().wrapping_sub(self.base[index])
    }

    /// Returns the index of a series' histogram in `histograms`.
    pub(crate) fn histogram_index(&self, index: usize) -> usize {
        self.shown[index].index()
    }

    /// Returns the exported buckets of the histogram with this index.
    pub(crate) fn histogram(&self, index: usize) -> &[Tally] {
        self.histograms[index].as_ref().map_or(&[], HistogramValues::shown)
    }

    /// Removes the histogram of a series and returns it.
    pub(crate) fn take_histogram(&mut self, index: usize) -> Option<HistogramValues> {
        let index = self.histogram_index(index);
        let values = self.histograms[index].take();
        self.free.extend(values.is_some().then_some(index));
        values
    }

    /// Applies `len` readings to as many adjacent series. The first reading has the index `from`, and the first series
    /// has the index `first`. Returns whether the form of a series has changed.
    pub(crate) fn apply(
        &mut self,
        first: usize,
        readings: &Readings,
        from: usize,
        len: usize,
    ) -> bool {
        if self.runs.is_empty() {
            self.find_runs();
        }
        let mut is_new = false;
        let mut run = FormRun::position(&self.runs, first);
        let mut read = FormRun::position(&readings.forms, from);
        let mut start = 0;
        while start < len {
            let (known, new) = (self.runs[run], readings.forms[read]);
            let (known_end, new_end) = (known.end - first, new.end - from);
            let end = known_end.min(new_end).min(len);
            let series = first + start..first + end;
            if let Some(form) = new.form {
                if known.form != new.form {
                    self.change_form(series.clone(), readings, from + start, form);
                    is_new = true;
                }
                self.apply_run(series, readings, from + start, form);
            }
            run += usize::from(end == known_end);
            read += usize::from(end == new_end);
            start = end;
        }
        if is_new {
            self.runs.clear();
            // Found now, so that a later reading of the same series allocates nothing.
            self.find_runs();
        }
        is_new
    }

    #[cold]
    fn find_runs(&mut self) {
        for (end, form) in (1..).zip(&self.forms) {
            FormRun::append(&mut self.runs, *form, end);
        }
    }

    /// Prepares adjacent series for readings of another form. They have no value yet, or are gauges.
    #[cold]
    fn change_form(&mut self, series: Range<usize>, readings: &Readings, from: usize, form: Form) {
        if form == Form::Histogram {
            for (series, reading) in series.clone().zip(from..) {
                let buckets = readings.histogram(readings.numbers[reading]).len();
                let values = HistogramValues::new(buckets);
                let index = add_histogram(&mut self.histograms, &mut self.free, values);
                self.shown[series] = Number::of_index(index);
            }
        }
        self.forms[series].fill(Some(form));
    }

    /// Applies readings to adjacent series of the same form. The first reading has the index `from`.
    #[inline]
    fn apply_run(&mut self, series: Range<usize>, readings: &Readings, from: usize, form: Form) {
        let numbers = &readings.numbers[from..from + series.len()];
        match form {
            Form::Total => {
                apply_totals(&mut self.shown[series.clone()], &mut self.base[series], numbers);
            }
            Form::Level | Form::Float => self.shown[series].copy_from_slice(numbers),
            Form::Histogram => {
                for (shown, number) in self.shown[series].iter().zip(numbers) {
                    if let Some(values) = &mut self.histograms[shown.index()] {
                        values.apply(readings.histogram(*number));
                    }
                }
            }
        }
    }

    /// Moves the values of `len` series from the index `from` to the smaller index `to`. After all moves, the caller
    /// removes the remaining values with [`truncate`](Self::truncate).
    pub(crate) fn shift(&mut self, from: usize, to: usize, len: usize) {
        self.shown.copy_within(from..from + len, to);
        self.base.copy_within(from..from + len, to);
        self.forms.copy_within(from..from + len, to);
        self.runs.clear();
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.shown.truncate(len);
        self.base.truncate(len);
        self.forms.truncate(len);
        self.runs.clear();
    }
}

/// Applies the totals of adjacent counters. Not inlined, so that the loop keeps its variables in registers.
#[inline(never)]
fn apply_totals(shown: &mut [Number], base: &mut [u64], totals: &[Number]) {
    for ((shown, base), total) in shown.iter_mut().zip(base).zip(totals) {
        apply_total(shown, base, *total);
    }
}

#[inline]
fn apply_total(shown: &mut Number, base: &mut u64, total: Number) {
    let total = total.total();
    // A lower total means that the source was reset. The earlier totals become the base.
    if total < shown.total().wrapping_sub(*base) {
        *base = shown.total();
    }
    *shown = Number::of_total(base.wrapping_add(total));
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
