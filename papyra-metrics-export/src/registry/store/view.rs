//! Views: the series that a reader sees, and where their values are.

use std::ops::Range;
use std::sync::{Arc, Weak};

use papyra_metrics::Tally;

use super::{Backend, Reading, Store};
use crate::registry::closed::ClosedValue;
use crate::series::SeriesId;
use crate::series::number::{Form, Number};
use crate::series::shown::ShownValues;

/// The series and values that a reader shows.
#[derive(Default)]
pub(crate) struct View {
    pub(crate) series: Vec<SeriesView>,
    /// The number of its reading, in the order in which readings were completed.
    pub(crate) number: u64,
    /// The values of series that are closed: they come after those of all backends.
    closed: Vec<Number>,
    /// Each histogram in the view.
    histograms: Vec<HistogramPlace>,
    /// The buckets of histograms that are closed.
    closed_tallies: Vec<Tally>,
    /// Whether closed series stay in the view until they are forgotten.
    keeps_closed: bool,
    /// Series that were closed up to this closing are no longer shown.
    pub(crate) hidden: u64,
    /// The newest closing in the view.
    pub(crate) newest: u64,
    /// The oldest closing that is still shown.
    oldest: Option<u64>,
    epoch: u64,
    forgotten: u64,
    /// The time at which the view was brought up to date.
    pub(in crate::registry) clock: u64,
    /// The list of backends at that time, which is not kept alive.
    backends: Weak<Vec<Backend>>,
}

/// A histogram in a view: the place of its series, and where its buckets are.
struct HistogramPlace {
    place: usize,
    source: HistogramSource,
}

enum HistogramSource {
    /// The index among those of all series.
    Open(usize),
    /// A part of the buckets that are closed.
    Closed(Range<usize>),
}

/// A series in a view.
pub(crate) struct SeriesView {
    pub(crate) id: SeriesId,
    /// Never used for another series.
    pub(crate) serial: u64,
    /// The index of its value in the reading.
    pub(crate) place: usize,
    pub(crate) form: Form,
    /// Whether there is a backend behind it.
    pub(crate) is_open: bool,
    /// Whether there is a backend behind it, or its last value has yet to be delivered.
    pub(crate) is_shown: bool,
}

impl View {
    pub(crate) fn new(keeps_closed: bool) -> Self {
        Self { keeps_closed, epoch: u64::MAX, ..Self::default() }
    }

    /// Begins a reading of the backends of the last one, provided that the store has not been locked since. Returns `None` if
    /// there was none.
    pub(in crate::registry) fn next_reading(&self) -> Option<Reading> {
        let backends = self.backends.upgrade()?;
        Some(Reading { backends, began: self.clock })
    }

    pub(crate) fn shape(&self) -> (u64, u64) {
        (self.epoch, self.forgotten)
    }
}

impl Store {
    /// Brings a view and its values up to date. Returns whether its series or their
    /// indices have changed.
    pub(in crate::registry) fn show(&mut self, view: &mut View, values: &mut ShownValues) -> bool {
        self.compact();
        self.forget_expired();
        let hides_more = view.oldest.is_some_and(|oldest| oldest <= view.hidden);
        let forgets_more = view.keeps_closed && view.forgotten != self.closed.forgotten;
        let is_changed = view.epoch != self.epoch || hides_more || forgets_more;
        if is_changed {
            self.renew(view);
        }
        self.shown += 1;
        view.number = self.shown;
        view.clock = self.clock;
        if view.backends.as_ptr() != Arc::as_ptr(&self.backends) {
            view.backends = Arc::downgrade(&self.backends);
        }
        values.clear();
        values.numbers.extend_from_slice(self.values.shown());
        if !view.closed.is_empty() {
            values.numbers.extend_from_slice(&view.closed);
        }
        for HistogramPlace { place, source } in &view.histograms {
            let tallies = match source {
                HistogramSource::Open(index) => self.values.histogram(*index),
                HistogramSource::Closed(range) => &view.closed_tallies[range.clone()],
            };
            values.set_histogram(*place, tallies);
        }
        is_changed
    }

    #[cold]
    fn renew(&self, view: &mut View) {
        view.series.clear();
        view.closed.clear();
        view.histograms.clear();
        view.closed_tallies.clear();
        (view.epoch, view.forgotten) = (self.epoch, self.closed.forgotten);
        for backend in &*self.backends {
            for (i, id) in backend.series() {
                let place = backend.first + i;
                let Some(form) = self.values.form(place) else { continue };
                if form == Form::Histogram {
                    let source = HistogramSource::Open(self.values.histogram_index(place));
                    view.histograms.push(HistogramPlace { place, source });
                }
                let serial = self.serials[place];
                let (is_open, is_shown) = (true, true);
                view.series.push(SeriesView { id, serial, place, form, is_open, is_shown });
            }
        }
        view.newest = self.closed.closings;
        view.oldest = None;
        let first = if view.keeps_closed { 0 } else { view.hidden };
        for (closing, backend) in self.closed.since(first) {
            let is_shown = closing > view.hidden;
            for series in backend.series.iter().flatten() {
                let place = self.values.len() + view.closed.len();
                let (form, number) = match &series.value {
                    ClosedValue::Number(form, number) => (*form, *number),
                    ClosedValue::Histogram(values) => {
                        let start = view.closed_tallies.len();
                        view.closed_tallies.extend_from_slice(values.shown());
                        let source = HistogramSource::Closed(start..view.closed_tallies.len());
                        view.histograms.push(HistogramPlace { place, source });
                        (Form::Histogram, Number::default())
                    }
                };
                let (id, serial) = (series.id.clone(), series.serial);
                let is_open = false;
                view.series.push(SeriesView { id, serial, place, form, is_open, is_shown });
                view.closed.push(number);
                if is_shown {
                    view.oldest = view.oldest.or(Some(closing));
                }
            }
        }
    }
}
