//! Values of series: what a source shows, and what readers are shown.

use papyra_metrics::{Distribution, Kind, Tally, Value};

use super::histogram::{Buckets, HistogramReading, HistogramValues};
use super::listed::Listed;
use crate::family::Family;

/// The type of a series' values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The totals of a counter.
    Total,
    /// Those of a gauge, if they are integers.
    Level,
    /// Those of a gauge, if they are floats.
    Float,
    /// The buckets of a histogram.
    Histogram,
}

/// The tag of what has no form: a metric that is absent or could not be read, a series that has nothing to show yet.
const UNREAD: u8 = 0;

impl Form {
    /// The form as a byte, because many of them are compared at once.
    const fn tag(self) -> u8 {
        match self {
            Self::Total => 1,
            Self::Level => 2,
            Self::Float => 3,
            Self::Histogram => 4,
        }
    }

    const fn of_tag(tag: u8) -> Option<Self> {
        match tag {
            1 => Some(Self::Total),
            2 => Some(Self::Level),
            3 => Some(Self::Float),
            4 => Some(Self::Histogram),
            _ => None,
        }
    }
}

/// One value of a series; the series' [`Form`] says what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Number(u64);

impl Number {
    #[inline]
    pub(crate) fn of_total(total: u64) -> Self {
        Self(total)
    }

    #[inline]
    pub(crate) fn of_level(level: i64) -> Self {
        Self(u64::from_ne_bytes(level.to_ne_bytes()))
    }

    #[inline]
    pub(crate) fn of_float(value: f64) -> Self {
        Self(value.to_bits())
    }

    #[inline]
    pub(crate) fn total(self) -> u64 {
        self.0
    }

    #[inline]
    pub(crate) fn level(self) -> i64 {
        i64::from_ne_bytes(self.0.to_ne_bytes())
    }

    #[inline]
    pub(crate) fn float(self) -> f64 {
        f64::from_bits(self.0)
    }

    /// The number as a value; `None` for a histogram, which is not a number.
    pub(crate) fn value(self, form: Form) -> Option<Value> {
        match form {
            Form::Total => Some(Value::Counter(self.total())),
            Form::Level => Some(Value::Gauge(self.level())),
            Form::Float => Some(Value::Float(self.float())),
            Form::Histogram => None,
        }
    }

    /// Where the buckets of a histogram are in a list.
    fn of_index(index: usize) -> Self {
        Self(index as u64)
    }

    #[allow(clippy::cast_possible_truncation)] // it was a `usize`
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// Returns the number of a counter or a gauge.
///
/// # Errors
///
/// Returns what is wrong with the value, as the end of a sentence that begins with the metric's name.
pub(crate) fn number_of(kind: Kind, value: &Value) -> Result<(Form, Number), &'static str> {
    match (kind, value) {
        (_, Value::Histogram(_)) => Err("is not a histogram, but shows one"),
        (Kind::Counter, Value::Float(_)) => Err("is a counter, but shows a float"),
        (Kind::Counter, _) => {
            let total = value.as_u64().ok_or("is a counter, but shows a negative number")?;
            Ok((Form::Total, Number::of_total(total)))
        }
        (_, Value::Float(value)) => Ok((Form::Float, Number::of_float(*value))),
        _ => {
            let level =
                value.as_i64().ok_or("is a gauge, but shows a number that exceeds an i64")?;
            Ok((Form::Level, Number::of_level(level)))
        }
    }
}

/// Checks whether metrics of this kind are exported.
///
/// # Errors
///
/// Returns why they are not, as the end of a sentence that begins with the metric's name.
pub(crate) fn check_exported(kind: Kind) -> Result<(), &'static str> {
    match kind {
        Kind::Counter | Kind::Gauge | Kind::Histogram => Ok(()),
        _ => Err("is of a kind that is not exported; update papyra-metrics-export"),
    }
}

/// The last reading of each source's metrics. Stored field by field, as the series are.
#[derive(Default)]
pub(crate) struct Readings {
    numbers: Vec<Number>,
    /// Tags; [`UNREAD`] if the metric is absent, or could not be read.
    forms: Vec<u8>,
    /// The buckets of histograms. The number of a histogram is the index of its first one.
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

    /// Fills up with what was not read, so that there are this many.
    pub(crate) fn fill(&mut self, len: usize) {
        // Usually there are, and a source's readings are written once.
        if self.numbers.len() < len {
            self.numbers.resize(len, Number::default());
            self.forms.resize(len, UNREAD);
        }
    }

    pub(crate) fn set(&mut self, index: usize, form: Form, number: Number) {
        self.fill(index + 1);
        (self.numbers[index], self.forms[index]) = (number, form.tag());
    }

    pub(crate) fn set_histogram(&mut self, index: usize, tallies: &[Tally]) {
        self.set(index, Form::Histogram, Number::of_index(self.tallies.len()));
        self.tallies.extend_from_slice(tallies);
    }

    /// Adds neighbouring readings of one form from this index on, behind which there are none yet.
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
    numbers: &'a [Number],
    forms: &'a [u8],
    tallies: &'a [Tally],
}

impl<'a> ReadingsOf<'a> {
    /// Splits off the readings of the first metrics.
    pub(crate) fn split_at(self, metrics: usize) -> (Self, Self) {
        let (numbers, forms) = (self.numbers.split_at(metrics), self.forms.split_at(metrics));
        let [first, rest] = [(numbers.0, forms.0), (numbers.1, forms.1)]
            .map(|(numbers, forms)| Self { numbers, forms, tallies: self.tallies });
        (first, rest)
    }

    fn histogram(self, number: Number, buckets: usize) -> Option<&'a [Tally]> {
        self.tallies.get(number.index()..)?.get(..buckets)
    }
}

/// Where a series begins or goes on.
#[derive(Default)]
pub(crate) enum Start {
    /// There is nothing to show before the source is read.
    #[default]
    Unread,
    /// A counter that has shown this, and what it showed before its source counted.
    Total {
        shown: u64,
        base: u64,
    },
    Histogram(HistogramValues),
}

/// The values of many series. Stored field by field, because a reading touches all of them.
#[derive(Default)]
pub(crate) struct SeriesValues {
    /// The exported values: a counter's total over all of its sources, a gauge's value, the index of a histogram.
    shown: Vec<Number>,
    /// The exported value of a counter before its source counted, and before the source's total fell. The source's own
    /// total is the difference.
    base: Vec<u64>,
    /// Tags; [`UNREAD`] if there is nothing to show yet.
    forms: Vec<u8>,
    /// `None` where one was taken.
    histograms: Vec<Option<HistogramValues>>,
    /// The indices of those that were taken.
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

    /// Returns the type of a series' values; `None` if it has no value yet.
    pub(crate) fn form(&self, index: usize) -> Option<Form> {
        Form::of_tag(self.forms[index])
    }

    /// The total that a counter's source itself showed last.
    pub(crate) fn source_total(&self, index: usize) -> u64 {
        self.shown[index].total().wrapping_sub(self.base[index])
    }

    /// The index of a series of histograms among those of this store.
    pub(crate) fn histogram_index(&self, index: usize) -> usize {
        self.shown[index].index()
    }

    /// Returns the exported buckets of the histogram with this index.
    pub(crate) fn histogram(&self, index: usize) -> &[Tally] {
        self.histograms[index].as_ref().map_or(&[], HistogramValues::shown)
    }

    /// Removes the values of a series of histograms that is closed.
    pub(crate) fn take_histogram(&mut self, index: usize) -> Option<HistogramValues> {
        let index = self.histogram_index(index);
        let values = self.histograms[index].take();
        self.free.extend(values.is_some().then_some(index));
        values
    }

    /// Applies what a source shows to its series, which begin at this index. Returns whether one of them has a form that
    /// it did not have before.
    pub(crate) fn apply(
        &mut self,
        first: usize,
        listed: Listed<'_>,
        readings: ReadingsOf<'_>,
    ) -> bool {
        let series = first..first + readings.numbers.len();
        let is_as_before = self.forms[series] == *readings.forms;
        let (mut start, mut is_new) = (0, false);
        for run in listed.runs {
            let (shown, numbers) =
                (first + start..first + run.end, &readings.numbers[start..run.end]);
            match run.kind {
                Kind::Counter if is_as_before => {
                    let base = &mut self.base[shown.clone()];
                    apply_totals(&mut self.shown[shown], base, numbers);
                }
                Kind::Gauge if is_as_before => self.shown[shown].copy_from_slice(numbers),
                _ => {
                    for index in start..run.end {
                        let buckets = listed.families[index].as_ref().and_then(Family::buckets);
                        is_new |= self.apply_one(first + index, buckets, readings, index);
                    }
                }
            }
            start = run.end;
        }
        is_new
    }

    /// Applies one reading. Returns whether its form is another one than before.
    fn apply_one(
        &mut self,
        series: usize,
        buckets: Option<&Buckets>,
        readings: ReadingsOf<'_>,
        index: usize,
    ) -> bool {
        let (number, form) = (readings.numbers[index], readings.forms[index]);
        let shown = &mut self.shown[series];
        match Form::of_tag(form) {
            None => return false,
            Some(Form::Total) => apply_total(shown, &mut self.base[series], number),
            Some(Form::Level | Form::Float) => *shown = number,
            Some(Form::Histogram) => {
                let len = buckets.map_or(0, Buckets::len);
                let Some(totals) = readings.histogram(number, len) else { return false };
                if self.forms[series] == UNREAD {
                    let values = HistogramValues::new(len);
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

    /// Moves the values of some series towards the beginning. The caller truncates afterwards.
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

/// Applies the totals of neighbouring counters.
fn apply_totals(shown: &mut [Number], base: &mut [u64], totals: &[Number]) {
    // Without a branch for each total: none falls usually.
    let has_fallen = |((shown, base), total): ((&Number, &u64), &Number)| {
        total.total() < shown.total().wrapping_sub(*base)
    };
    let before = shown.iter().zip(&*base).zip(totals);
    if before.fold(false, |any, each| any | has_fallen(each)) {
        for ((shown, base), total) in shown.iter_mut().zip(base).zip(totals) {
            apply_total(shown, base, *total);
        }
    } else {
        for ((shown, base), total) in shown.iter_mut().zip(base).zip(totals) {
            *shown = Number::of_total(base.wrapping_add(total.total()));
        }
    }
}

#[inline]
fn apply_total(shown: &mut Number, base: &mut u64, total: Number) {
    let total = total.total();
    // A total that falls was reset. What it had counted is carried on.
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
