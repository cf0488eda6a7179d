//! Views: the series that a reader sees, and where their values are.

use std::ops::Range;
use std::sync::{Arc, Weak};

use papyra_metrics::Tally;

use super::merge::{Merge, Reading};
use super::{Backend, Store};
use crate::registry::closed::ClosedValue;
use crate::series::SeriesId;
use crate::series::exported::ExportedValues;
use crate::series::number::{Form, Number};

/// The series that a reader sees, and the indices of their values.
#[derive(Default)]
pub(crate) struct View {
    pub(crate) series: Vec<SeriesView>,
    /// The number of the last reading of this view. Readings are numbered in the order of their completion.
    pub(crate) number: u64,
    /// The last values of closed series. `Store::update_view` appends them to the values of the open series.
    closed: Vec<Number>,
    /// The closed histograms.
    closed_histograms: Vec<ClosedHistogram>,
    /// The buckets of closed histograms.
    closed_tallies: Vec<Tally>,
    /// Whether the view contains a closed series until the registry forgets the series. If false, the view contains the
    /// series only until its last value has been delivered.
    keeps_closed: bool,
    /// The number of a closed backend. Backends are numbered in the order of closing, and the series of closed backends
    /// up to this number are no longer shown.
    pub(crate) hidden: u64,
    /// The number of the newest closed backend in the view, or 0 if no backend had been closed at the last update.
    pub(crate) newest: u64,
    /// The number of the oldest closed backend whose series are still shown, if there is one.
    oldest: Option<u64>,
    epoch: u64,
    forgotten: u64,
    /// The value of the store's clock when the view was last updated.
    pub(in crate::registry) clock: u64,
    /// The list of backends when the view was last updated. A weak reference, so that the view does not keep backends
    /// alive.
    backends: Weak<Vec<Backend>>,
}

/// A closed histogram of a view.
struct ClosedHistogram {
    /// The index of the histogram's value in the values of the reading.
    value_index: usize,
    /// The range of the histogram's buckets in `closed_tallies`.
    tallies: Range<usize>,
}

/// A series in a view.
pub(crate) struct SeriesView {
    pub(crate) id: SeriesId,
    /// The serial number of the series. No other series ever gets the same number.
    pub(crate) serial: u64,
    /// The index of the series' value in the values of the reading.
    pub(crate) value_index: usize,
    pub(crate) form: Form,
    /// Whether the series belongs to an open backend.
    pub(crate) is_open: bool,
    /// Whether the series belongs to an open backend, or its last value has not been delivered yet.
    pub(crate) is_shown: bool,
}

impl View {
    pub(crate) fn new(keeps_closed: bool) -> Self {
        Self { keeps_closed, epoch: u64::MAX, ..Self::default() }
    }

    /// Begins a reading of the backends of the last reading. The caller has checked that the store has not been locked
    /// since. Returns `None` if the list of backends no longer exists.
    pub(in crate::registry) fn next_reading(&self) -> Option<Reading> {
        let backends = self.backends.upgrade()?;
        Some(Reading { backends, began: self.clock })
    }

    pub(crate) fn shape(&self) -> (u64, u64) {
        (self.epoch, self.forgotten)
    }
}

impl Store {
    /// Updates a view after a reading that was merged or superseded, and updates the values of the reading for the view.
    /// Returns whether the view's series or their indices have changed.
    pub(in crate::registry) fn update_view(
        &mut self,
        view: &mut View,
        reading: &Reading,
        merge: Merge,
        values: &mut ExportedValues,
    ) -> bool {
        self.compact();
        self.forget_expired();
        let hides_more = view.oldest.is_some_and(|oldest| oldest <= view.hidden);
        let forgets_more = view.keeps_closed && view.forgotten != self.closed.forgotten;
        let is_changed = view.epoch != self.epoch || hides_more || forgets_more;
        if is_changed {
            self.renew(view);
        }
        self.readings += 1;
        view.number = self.readings;
        view.clock = self.clock;
        if view.backends.as_ptr() != Arc::as_ptr(&self.backends) {
            view.backends = Arc::downgrade(&self.backends);
        }
        // A merged reading already contains the exported values, in the order of the backends that were read.
        if merge != Merge::Applied || !Arc::ptr_eq(&self.backends, &reading.backends) {
            self.values.copy_to(values);
        }
        if !view.closed.is_empty() {
            values.numbers.extend_from_slice(&view.closed);
        }
        for ClosedHistogram { value_index, tallies } in &view.closed_histograms {
            values.set_histogram(*value_index, &view.closed_tallies[tallies.clone()]);
        }
        is_changed
    }

    #[cold]
    fn renew(&self, view: &mut View) {
        view.series.clear();
        view.closed.clear();
        view.closed_histograms.clear();
        view.closed_tallies.clear();
        (view.epoch, view.forgotten) = (self.epoch, self.closed.forgotten);
        for backend in &*self.backends {
            for (i, id) in backend.series() {
                let value_index = backend.first + i;
                let Some(form) = self.values.form(value_index) else { continue };
                let serial = self.serials[value_index];
                let (is_open, is_shown) = (true, true);
                view.series.push(SeriesView { id, serial, value_index, form, is_open, is_shown });
            }
        }
        view.newest = self.closed.closings;
        view.oldest = None;
        let first = if view.keeps_closed { 0 } else { view.hidden };
        for (closing, backend) in self.closed.since(first) {
            let is_shown = closing > view.hidden;
            for series in backend.series.iter().flatten() {
                let value_index = self.values.len() + view.closed.len();
                let (form, number) = match &series.value {
                    ClosedValue::Number(form, number) => (*form, *number),
                    ClosedValue::Histogram(values) => {
                        let start = view.closed_tallies.len();
                        view.closed_tallies.extend_from_slice(values.exported());
                        let tallies = start..view.closed_tallies.len();
                        view.closed_histograms.push(ClosedHistogram { value_index, tallies });
                        (Form::Histogram, Number::default())
                    }
                };
                let (id, serial) = (series.id.clone(), series.serial);
                let is_open = false;
                view.series.push(SeriesView { id, serial, value_index, form, is_open, is_shown });
                view.closed.push(number);
                if is_shown {
                    view.oldest = view.oldest.or(Some(closing));
                }
            }
        }
    }
}
