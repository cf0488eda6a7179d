//! Views: the series that a reader sees, and where their values are.

use super::Store;
use crate::series::SeriesId;
use crate::series::values::Number;

/// What a reader shows.
#[derive(Default)]
pub(crate) struct View {
    pub(crate) series: Vec<SeriesView>,
    /// The number of its reading, in the order in which readings were completed.
    pub(crate) number: u64,
    /// The values of series that are closed: they come after those of all backends.
    closed: Vec<Number>,
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
}

/// A series in a view.
pub(crate) struct SeriesView {
    pub(crate) id: SeriesId,
    /// Never used for another series.
    pub(crate) serial: u64,
    /// The index of its value in the reading.
    pub(crate) place: usize,
    /// Whether there is a backend behind it.
    pub(crate) is_open: bool,
    /// Whether there is a backend behind it, or its last value has yet to be delivered.
    pub(crate) is_shown: bool,
}

impl View {
    pub(crate) fn new(keeps_closed: bool) -> Self {
        Self { keeps_closed, epoch: u64::MAX, ..Self::default() }
    }

    pub(crate) fn shape(&self) -> (u64, u64) {
        (self.epoch, self.forgotten)
    }
}

impl Store {
    /// Brings a view and its values up to date. Returns whether it shows other series than before, or at other places.
    pub(in crate::registry) fn show(&mut self, view: &mut View, numbers: &mut Vec<Number>) -> bool {
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
        numbers.clear();
        numbers.extend_from_slice(self.values.shown());
        numbers.extend_from_slice(&view.closed);
        is_changed
    }

    fn renew(&self, view: &mut View) {
        view.series.clear();
        view.closed.clear();
        (view.epoch, view.forgotten) = (self.epoch, self.closed.forgotten);
        for backend in &*self.backends {
            for (i, id) in backend.series() {
                let place = backend.first + i;
                if self.values.is_initialized(place) {
                    let serial = self.serials[place];
                    view.series.push(SeriesView {
                        id,
                        serial,
                        place,
                        is_open: true,
                        is_shown: true,
                    });
                }
            }
        }
        view.newest = self.closed.closings;
        view.oldest = None;
        let first = if view.keeps_closed { 0 } else { view.hidden };
        for (closing, backend) in self.closed.since(first) {
            let is_shown = closing > view.hidden;
            for series in backend.series.iter().flatten() {
                view.series.push(SeriesView {
                    id: series.id.clone(),
                    serial: series.serial,
                    place: self.values.len() + view.closed.len(),
                    is_open: false,
                    is_shown,
                });
                view.closed.push(series.shown);
                if is_shown {
                    view.oldest = view.oldest.or(Some(closing));
                }
            }
        }
    }
}
