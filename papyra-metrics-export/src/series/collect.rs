//! Reads one source. This runs user code, and so runs under no lock.

use papyra_metrics::walk::{ErasedInstrument, Walker};
use papyra_metrics::{Counter, Descriptor, Gauge, Kind, Value};

use super::source::Source;
use super::values::Reading;
use crate::family::Family;
use crate::panics;

/// The metrics of a source, as it listed them when it was registered.
#[derive(Clone, Copy)]
pub(crate) struct Listed<'a> {
    pub(crate) descriptors: &'a [Descriptor],
    /// The kind of each, side by side.
    pub(crate) kinds: &'a [Kind],
    /// The family of each; `None` if the metric is not exported.
    pub(crate) families: &'a [Option<Family>],
    /// The address of the source's own list.
    pub(crate) address: usize,
}

/// Appends one reading for each listed metric. Returns what could not be read: such metrics are absent, and keep the
/// values that they had. To a receiver of deltas, a total that is missing once would be counted again.
pub(crate) fn collect(
    source: &dyn Source,
    listed: Listed<'_>,
    readings: &mut Vec<Reading>,
) -> Vec<String> {
    let mut problems = Vec::new();
    let first = readings.len();
    readings.resize(first + listed.descriptors.len(), Reading::Absent);
    let readings = &mut readings[first..];
    let metrics = source.metrics();
    let walked = panics::catch(|| {
        let now = metrics.descriptors();
        let is_same = now.len() == listed.descriptors.len()
            && (now.as_ptr().addr() == listed.address || *now == *listed.descriptors);
        let mut collector = Collector {
            listed,
            relisted: (!is_same).then_some(now),
            next: 0,
            readings,
            problems: &mut problems,
        };
        metrics.walk(&mut collector);
        collector.check_len();
    });
    if let Err(message) = walked {
        problems.push(format!("reading its metrics panicked: {message}"));
    }
    problems
}

struct Collector<'a> {
    listed: Listed<'a>,
    /// The metrics as the source lists them now, if that has changed.
    relisted: Option<&'a [Descriptor]>,
    /// The index of the next metric in the current list.
    next: usize,
    readings: &'a mut [Reading],
    problems: &'a mut Vec<String>,
}

impl Collector<'_> {
    /// Moves to the next metric. Returns its index in the list of the registration if it is exported.
    fn advance(&mut self) -> Option<usize> {
        let mut index = self.next;
        self.next += 1;
        if let Some(relisted) = self.relisted {
            let metric = relisted.get(index)?;
            let known = self.listed.descriptors.iter().position(|known| known == metric);
            if known.is_none() {
                self.problems.push(format!(
                    "`{}` was not listed when the backend was registered; it is left out",
                    metric.name()
                ));
            }
            index = known?;
        }
        self.listed.families.get(index)?.is_some().then_some(index)
    }

    fn show(&mut self, index: usize, value: &Value) {
        let metric = &self.listed.descriptors[index];
        match Reading::new(metric.kind(), value) {
            Ok(reading) => self.readings[index] = reading,
            Err(fault) => self.problems.push(format!("`{}` {fault}", metric.name())),
        }
    }

    /// The readings of the next metrics, if they are in the order of the list and all of this kind.
    fn next_run(&mut self, kind: Kind, len: usize) -> Option<&mut [Reading]> {
        let run = self.next..self.next + len;
        let kinds = self.listed.kinds.get(run.clone())?;
        if self.relisted.is_some() || kinds.iter().any(|&listed| listed != kind) {
            return None;
        }
        self.next += len;
        Some(&mut self.readings[run])
    }

    /// Reports instruments that have no descriptor.
    fn check_len(&mut self) {
        let listed = self.relisted.unwrap_or(self.listed.descriptors).len();
        if self.next > listed {
            self.problems.push(format!(
                "it shows {} metrics, but lists {listed}; the rest is left out",
                self.next
            ));
        }
    }
}

impl Walker for Collector<'_> {
    fn metric(&mut self, instrument: Option<&dyn ErasedInstrument>) {
        // A metric that is not exported is not read: a histogram would be copied for nothing.
        if let (Some(index), Some(instrument)) = (self.advance(), instrument) {
            self.show(index, &instrument.read_total());
        }
    }

    fn counters(&mut self, counters: &[&Counter]) {
        if let Some(run) = self.next_run(Kind::Counter, counters.len()) {
            for (reading, counter) in run.iter_mut().zip(counters) {
                *reading = Reading::Total(counter.total());
            }
        } else {
            for counter in counters {
                self.metric(Some(*counter));
            }
        }
    }

    fn gauges(&mut self, gauges: &[&Gauge]) {
        if let Some(run) = self.next_run(Kind::Gauge, gauges.len()) {
            for (reading, gauge) in run.iter_mut().zip(gauges) {
                *reading = Reading::Level(gauge.get());
            }
        } else {
            for gauge in gauges {
                self.metric(Some(*gauge));
            }
        }
    }

    fn absent(&mut self, count: usize) {
        self.next += count;
    }
}
