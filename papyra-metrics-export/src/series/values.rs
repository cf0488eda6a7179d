//! The exported values of series, over all sources that a series had.

use papyra_metrics::{Kind, Tally};

use super::histogram::HistogramValues;
use super::listed::KindRun;
use super::number::{Form, Number, UNREAD};
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
    /// The tag of each series' form. The tag is [`UNREAD`] before the first value.
    forms: Vec<u8>,
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
            Start::Unread => (Number::default(), 0, UNREAD),
            Start::Total { shown, base } => (Number::of_total(shown), base, Form::Total.tag()),
            Start::Histogram(values) => {
                let index = add_histogram(&mut self.histograms, &mut self.free, values);
                (Number::of_index(index), 0, Form::Histogram.tag())
            }
        };
        self.shown.push(shown);
        self.base.push(base);
        self.forms.push(form);
    }

    pub(crate) fn shown(&self) -> &[Number] {
        &self.shown
    }

    /// Returns the type of a series' values, or `None` if the series has no value yet.
    pub(crate) fn form(&self, index: usize) -> Option<Form> {
        Form::of_tag(self.forms[index])
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

    /// Applies readings to adjacent series. The first reading has the index `from`, and the first series has the index
    /// `first`; `runs` describes the kinds of the series. Returns whether the form of a series has changed.
    pub(crate) fn apply(
        &mut self,
        first: usize,
        runs: &[KindRun],
        readings: &Readings,
        from: usize,
    ) -> bool {
        if self.apply_known(first, runs, readings, from) {
            return false;
        }
        let mut is_new = false;
        for index in 0..KindRun::len(runs) {
            is_new |= self.apply_one(first + index, readings, from + index);
        }
        is_new
    }

    /// Applies readings as [`apply`](Self::apply) does if each reading has the same form as its series. Otherwise
    /// changes nothing and returns false.
    pub(crate) fn apply_known(
        &mut self,
        first: usize,
        runs: &[KindRun],
        readings: &Readings,
        from: usize,
    ) -> bool {
        let len = KindRun::len(runs);
        if self.forms[first..first + len] != readings.forms[from..from + len] {
            return false;
        }
        let mut start = 0;
        for &KindRun { kind, end } in runs {
            let series = first + start..first + end;
            let numbers = &readings.numbers[from + start..from + end];
            match kind {
                Kind::Counter => {
                    let (shown, base) = (&mut self.shown[series.clone()], &mut self.base[series]);
                    apply_totals(shown, base, numbers);
                }
                Kind::Gauge => self.shown[series].copy_from_slice(numbers),
                _ => {
                    for index in start..end {
                        self.apply_one(first + index, readings, from + index);
                    }
                }
            }
            start = end;
        }
        true
    }

    /// Applies one reading. Returns whether the form of the series has changed.
    fn apply_one(&mut self, series: usize, readings: &Readings, index: usize) -> bool {
        let (number, form) = (readings.numbers[index], readings.forms[index]);
        let shown = &mut self.shown[series];
        match Form::of_tag(form) {
            None => return false,
            Some(Form::Total) => apply_total(shown, &mut self.base[series], number),
            Some(Form::Level | Form::Float) => *shown = number,
            Some(Form::Histogram) => {
                let totals = readings.histogram(number);
                if self.forms[series] == UNREAD {
                    let values = HistogramValues::new(totals.len());
                    let index = add_histogram(&mut self.histograms, &mut self.free, values);
                    *shown = Number::of_index(index);
                }
                if let Some(values) = &mut self.histograms[shown.index()] {
                    values.apply(totals);
                }
            }
        }
        let is_new = self.forms[series] != form;
        self.forms[series] = form;
        is_new
    }

    /// Moves the values of `len` series from the index `from` to the smaller index `to`. After all moves, the caller
    /// removes the remaining values with [`truncate`](Self::truncate).
    pub(crate) fn shift(&mut self, from: usize, to: usize, len: usize) {
        self.shown.copy_within(from..from + len, to);
        self.base.copy_within(from..from + len, to);
        self.forms.copy_within(from..from + len, to);
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.shown.truncate(len);
        self.base.truncate(len);
        self.forms.truncate(len);
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
