//! The exported values of series. The totals of counters and histograms include the earlier sources of their series.

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
        exported: u64,
        base: u64,
    },
    Histogram(HistogramValues),
}

/// The values of many series, stored as a struct of arrays, because a reading updates runs of adjacent series.
#[derive(Default)]
pub(crate) struct SeriesValues {
    /// For each series, a counter's total over all of its sources, a gauge's value, or an index into `histograms`.
    exported: Vec<Number>,
    /// The part of each counter's exported value that the current source's total does not include: the totals of
    /// earlier sources, and the totals before a reset. The total of the current source is `exported - base`. This
    /// difference wraps, because the base can be negative: a part of the source's total may have been exported in an
    /// earlier series that the registry has forgotten. The new series does not include that part.
    base: Vec<u64>,
    /// The form of each series. `None` before the first value.
    forms: Vec<Option<Form>>,
    /// The histograms. An entry is `None` after the histogram was removed by `take_histogram`.
    histograms: Vec<Option<HistogramValues>>,
    /// The indices of the `None` entries in `histograms`, which new histograms reuse.
    free: Vec<usize>,
}

impl SeriesValues {
    pub(crate) fn reserve(&mut self, series: usize) {
        self.exported.reserve(series);
        self.base.reserve(series);
        self.forms.reserve(series);
    }

    pub(crate) fn len(&self) -> usize {
        self.exported.len()
    }

    pub(crate) fn push(&mut self, start: Start) {
        let (exported, base, form) = match start {
            Start::Unread => (Number::default(), 0, None),
            Start::Total { exported, base } => {
                (Number::of_total(exported), base, Some(Form::Total))
            }
            Start::Histogram(values) => {
                let index = add_histogram(&mut self.histograms, &mut self.free, values);
                (Number::of_index(index), 0, Some(Form::Histogram))
            }
        };
        self.exported.push(exported);
        self.base.push(base);
        self.forms.push(form);
    }

    pub(crate) fn exported(&self) -> &[Number] {
        &self.exported
    }

    /// Returns the type of a series' values, or `None` if the series has no value yet.
    pub(crate) fn form(&self, index: usize) -> Option<Form> {
        self.forms[index]
    }

    /// Returns the last total of a counter's current source.
    pub(crate) fn source_total(&self, index: usize) -> u64 {
        self.exported[index].total().wrapping_sub(self.base[index])
    }

    /// Returns the index of a series' histogram in `histograms`.
    pub(crate) fn histogram_index(&self, index: usize) -> usize {
        self.exported[index].index()
    }

    /// Returns the exported buckets of a histogram. `index` is an index into `histograms`.
    pub(crate) fn histogram(&self, index: usize) -> &[Tally] {
        self.histograms[index].as_ref().map_or(&[], HistogramValues::exported)
    }

    /// Removes the histogram of a series and returns it.
    pub(crate) fn take_histogram(&mut self, index: usize) -> Option<HistogramValues> {
        let index = self.histogram_index(index);
        let values = self.histograms[index].take();
        self.free.extend(values.is_some().then_some(index));
        values
    }

    /// Applies `len` adjacent readings to `len` adjacent series. The first reading has the index `from`, and the first
    /// series has the index `first`. Returns whether the form of a series has changed.
    pub(crate) fn apply(
        &mut self,
        first: usize,
        readings: &Readings,
        from: usize,
        len: usize,
    ) -> bool {
        let mut is_new = false;
        let mut run = FormRun::position(&readings.forms, from);
        let mut start = 0;
        while start < len {
            let FormRun { form, end } = readings.forms[run];
            let run_end = (end - from).min(len);
            let known = self.forms[first + start];
            let forms = self.forms[first + start..first + run_end].iter();
            let end = start + forms.take_while(|form| **form == known).count();
            if let Some(form) = form {
                let series = first + start..first + end;
                if known != Some(form) {
                    self.change_form(series.clone(), readings, from + start, form);
                    is_new = true;
                }
                self.apply_run(series, readings, from + start, form);
            }
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
                self.exported[series] = Number::of_index(index);
            }
        }
        self.forms[series].fill(Some(form));
    }

    /// Applies readings to adjacent series of the same form. The first reading has the index `from`.
    #[inline]
    fn apply_run(&mut self, series: Range<usize>, readings: &Readings, from: usize, form: Form) {
        let numbers = &readings.values.numbers[from..from + series.len()];
        match form {
            Form::Total => {
                apply_totals(&mut self.exported[series.clone()], &mut self.base[series], numbers);
            }
            Form::Level | Form::Float => self.exported[series].copy_from_slice(numbers),
            Form::Histogram => {
                for (exported, reading) in self.exported[series].iter().zip(from..) {
                    if let Some(values) = &mut self.histograms[exported.index()] {
                        values.apply(readings.values.tallies(reading, values.exported().len()));
                    }
                }
            }
        }
    }

    /// Moves the values of `len` series from the index `from` to the smaller index `to`. After all moves, the caller
    /// removes the remaining values with [`truncate`](Self::truncate).
    pub(crate) fn shift(&mut self, from: usize, to: usize, len: usize) {
        self.exported.copy_within(from..from + len, to);
        self.base.copy_within(from..from + len, to);
        self.forms.copy_within(from..from + len, to);
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.exported.truncate(len);
        self.base.truncate(len);
        self.forms.truncate(len);
    }
}

/// Applies the totals of adjacent counters. Not inlined, so that the loop keeps its variables in registers.
#[inline(never)]
fn apply_totals(exported: &mut [Number], base: &mut [u64], totals: &[Number]) {
    for ((exported, base), total) in exported.iter_mut().zip(base).zip(totals) {
        apply_total(exported, base, *total);
    }
}

#[inline]
fn apply_total(exported: &mut Number, base: &mut u64, total: Number) {
    let total = total.total();
    // A lower total means that the source was reset. The earlier totals become the base.
    if total < exported.total().wrapping_sub(*base) {
        *base = exported.total();
    }
    *exported = Number::of_total(base.wrapping_add(total));
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
