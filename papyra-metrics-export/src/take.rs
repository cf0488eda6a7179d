//! Takes what a source shows into the cells of its series.

use std::ops::Range;
use std::ptr;

use papyra_metrics::__private::{Others, Walker};
use papyra_metrics::{Counter, Descriptor, Gauge, Value};

use crate::cell::Cells;

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
    pub(crate) cells: &'a mut Cells,
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
            if let Err(fault) = self.cells.update(place, metric.kind(), value) {
                self.problems.push(format!("`{}` {fault}", metric.name()));
            }
        }
        self.next += 1;
    }

    /// Where the series of the next metrics are, so many of them, unless that has to be looked up one by one.
    fn run(&mut self, len: usize) -> Option<Range<usize>> {
        let run = self.places.of_run(self.next, len)?;
        self.next += len;
        Some(run)
    }
}

impl Walker for Take<'_> {
    fn counters(&mut self, counters: &[&Counter]) {
        let totals = counters.iter().map(|counter| counter.total());
        match self.run(counters.len()) {
            Some(places) => self.cells.count(places, totals),
            None => totals.for_each(|total| self.show(&Value::Counter(total))),
        }
    }

    fn gauges(&mut self, gauges: &[&Gauge]) {
        let levels = gauges.iter().map(|gauge| gauge.get());
        match self.run(gauges.len()) {
            Some(places) => self.cells.set(places, levels),
            None => levels.for_each(|level| self.show(&Value::Gauge(level))),
        }
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
