//! Reads one source. This runs user code, and so runs under no lock.

use papyra_metrics::walk::{ErasedInstrument, Walker};
use papyra_metrics::{Counter, Descriptor, Gauge, Kind, Value};

use super::source::Source;
use super::values::Reading;
use crate::panics;

/// The metrics of a source, as it listed them when it was registered.
#[derive(Clone, Copy)]
pub(crate) struct Listed<'a> {
    pub(crate) descriptors: &'a [Descriptor],
    /// The kind of each, side by side.
    pub(crate) kinds: &'a [Kind],
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
    fn show(&mut self, value: Option<&Value>) {
        let index = self.next;
        self.next += 1;
        let index = match self.relisted {
            None => index,
            Some(relisted) => {
                let Some(metric) = relisted.get(index) else { return };
                let Some(known) = self.listed.descriptors.iter().position(|known| known == metric)
                else {
                    self.problems.push(format!(
                        "`{}` was not listed when the backend was registered; it is left out",
                        metric.name()
                    ));
                    return;
                };
                known
            }
        };
        let (Some(metric), Some(value)) = (self.listed.descriptors.get(index), value) else {
            return;
        };
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
        self.show(instrument.map(ErasedInstrument::read_total).as_ref());
    }

    fn counters(&mut self, counters: &[&Counter]) {
        if let Some(run) = self.next_run(Kind::Counter, counters.len()) {
            for (reading, counter) in run.iter_mut().zip(counters) {
                *reading = Reading::Total(counter.total());
            }
        } else {
            for counter in counters {
                self.show(Some(&Value::Counter(counter.total())));
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
                self.show(Some(&Value::Gauge(gauge.get())));
            }
        }
    }

    fn absent(&mut self, count: usize) {
        self.next += count;
    }
}
