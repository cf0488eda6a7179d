//! Takes what a source shows into the cells of its series.

use std::ops::Range;

use papyra_metrics::walk::{ErasedInstrument, Walker};
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

/// Takes what a source shows: counters and gauges in runs, other instruments one by one.
pub(crate) struct Take<'a> {
    /// The metrics as they were listed when the source was registered.
    pub(crate) metrics: &'a [Descriptor],
    /// The metrics as the source lists them now, if that has changed.
    pub(crate) relisted: Option<&'a [Descriptor]>,
    pub(crate) places: &'a Places,
    /// The index of the next metric in the current list.
    pub(crate) next: usize,
    pub(crate) cells: &'a mut Cells,
    pub(crate) problems: &'a mut Vec<String>,
}

impl Take<'_> {
    /// Takes the value of the next metric, or passes over it if there is none.
    fn show(&mut self, value: Option<&Value>) {
        let index = self.next;
        self.next += 1;
        let index = match self.relisted {
            None => index,
            Some(relisted) => {
                let Some(metric) = relisted.get(index) else { return };
                let Some(known) = self.metrics.iter().position(|known| known == metric) else {
                    self.problems.push(format!(
                        "`{}` was not listed when the backend was registered; it is left out",
                        metric.name()
                    ));
                    return;
                };
                known
            }
        };
        let (Some(metric), Some(value)) = (self.metrics.get(index), value) else { return };
        if let Some(place) = self.places.of(index) {
            if let Err(fault) = self.cells.update(place, metric.kind(), value) {
                self.problems.push(format!("`{}` {fault}", metric.name()));
            }
        }
    }

    /// Reports instruments that no descriptor belongs to.
    pub(crate) fn check_len(&mut self) {
        let listed = self.relisted.unwrap_or(self.metrics).len();
        if self.next > listed {
            self.problems.push(format!(
                "it shows {} metrics, but lists {listed}; the rest is left out",
                self.next
            ));
        }
    }

    /// Where the series of the next metrics are, so many of them, unless that has to be looked up one by one.
    fn run(&mut self, len: usize) -> Option<Range<usize>> {
        let run = self.places.of_run(self.next, len).filter(|_| self.relisted.is_none())?;
        self.next += len;
        Some(run)
    }
}

impl Walker for Take<'_> {
    fn metric(&mut self, instrument: Option<&dyn ErasedInstrument>) {
        self.show(instrument.map(ErasedInstrument::read_total).as_ref());
    }

    fn counters(&mut self, counters: &[&Counter]) {
        let totals = counters.iter().map(|counter| counter.total());
        match self.run(counters.len()) {
            Some(places) => self.cells.count(places, totals),
            None => totals.for_each(|total| self.show(Some(&Value::Counter(total)))),
        }
    }

    fn gauges(&mut self, gauges: &[&Gauge]) {
        let levels = gauges.iter().map(|gauge| gauge.get());
        match self.run(gauges.len()) {
            Some(places) => self.cells.set(places, levels),
            None => levels.for_each(|level| self.show(Some(&Value::Gauge(level)))),
        }
    }

    fn absent(&mut self, count: usize) {
        self.next += count;
    }
}
