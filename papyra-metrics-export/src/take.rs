//! Takes what a source shows into the cells of its series.

use std::ops::Range;
use std::ptr;

use papyra_metrics::__private::{Others, Walker};
use papyra_metrics::{Counter, Descriptor, Gauge, Value};

use crate::cell::Cell;

/// Where the series of each metric is among those of the slot.
pub(crate) enum Places {
    /// One after the other, as those of a backend that is the first of its labels: nothing to look up.
    InOrder(Range<usize>),
    Listed(Box<[Option<usize>]>),
}

impl Places {
    pub(crate) fn new(places: Vec<Option<usize>>) -> Self {
        let start = places.first().copied().flatten().unwrap_or_default();
        let in_order = start..start + places.len();
        if places.iter().copied().eq(in_order.clone().map(Some)) {
            Self::InOrder(in_order)
        } else {
            Self::Listed(places.into_boxed_slice())
        }
    }

    pub(crate) fn of(&self, metric: usize) -> Option<usize> {
        match self {
            Self::InOrder(places) => Some(places.start + metric),
            Self::Listed(places) => places[metric],
        }
    }

    /// The places of this metric and those after it, so many of them, where they are in order.
    fn of_run(&self, metric: usize, len: usize) -> Option<Range<usize>> {
        let Self::InOrder(places) = self else { return None };
        let start = places.start + metric;
        (start + len <= places.end).then_some(start..start + len)
    }
}

/// Takes what a source shows, metric by metric or, of a derived struct, as many at a time as have one type.
pub(crate) struct Take<'a> {
    pub(crate) metrics: &'a [Descriptor],
    pub(crate) places: &'a Places,
    /// The metric that is expected next.
    pub(crate) next: usize,
    pub(crate) cells: &'a mut [Cell],
    pub(crate) are_read: &'a mut [bool],
    pub(crate) problems: &'a mut Vec<String>,
}

impl Take<'_> {
    /// A metric that tells itself which one it is.
    pub(crate) fn find(&mut self, metric: &Descriptor, value: &Value) {
        match find(self.metrics, self.next, metric) {
            Some(found) => {
                self.next = found;
                self.show(value);
            }
            None => self.problems.push(format!(
                "`{}` was not listed when the backend was registered; it is left out",
                metric.name()
            )),
        }
    }

    /// The next metric.
    fn show(&mut self, value: &Value) {
        let Some(metric) = self.metrics.get(self.next) else { return };
        if let Some(place) = self.places.of(self.next) {
            match self.cells[place].update(metric.kind(), value) {
                Ok(()) => self.are_read[place] = true,
                Err(fault) => self.problems.push(format!("`{}` {fault}", metric.name())),
            }
        }
        self.next += 1;
    }

    /// The next metrics, so many of them: by one loop where their series are in order, or one by one.
    #[inline]
    fn each<T>(
        &mut self,
        instruments: &[&T],
        take: impl Fn(&mut Cell, &T),
        value: impl Fn(&T) -> Value,
    ) {
        if let Some(places) = self.places.of_run(self.next, instruments.len()) {
            for (cell, instrument) in self.cells[places.clone()].iter_mut().zip(instruments) {
                take(cell, instrument);
            }
            self.are_read[places].fill(true);
            self.next += instruments.len();
        } else {
            instruments.iter().for_each(|instrument| self.show(&value(instrument)));
        }
    }
}

impl Walker for Take<'_> {
    fn counters(&mut self, counters: &[&Counter]) {
        self.each(counters, |cell, it| cell.count(it.total()), |it| Value::Counter(it.total()));
    }

    fn gauges(&mut self, gauges: &[&Gauge]) {
        self.each(gauges, |cell, it| cell.set(it.get()), |it| Value::Gauge(it.get()));
    }

    fn others(&mut self, others: &dyn Others) {
        (0..others.count()).for_each(|i| self.show(&others.total(i)));
    }

    fn absent(&mut self, metrics: usize) {
        self.next += metrics;
    }
}

/// The place of a metric among those that are known, most often the next one.
fn find(known: &[Descriptor], next: usize, metric: &Descriptor) -> Option<usize> {
    match known.get(next) {
        Some(known)
            if ptr::eq(known, metric) || is_same_static(known, metric) || known == metric =>
        {
            Some(next)
        }
        _ => known.iter().position(|known| known == metric),
    }
}

/// Whether both have the same static name and labels, as what a derived struct lists and shows has. Names alone
/// do not tell the members of a family apart.
fn is_same_static(a: &Descriptor, b: &Descriptor) -> bool {
    ptr::eq(a.name(), b.name()) && ptr::eq(a.labels(), b.labels())
}
