//! Reads one source. This runs user code, so no lock of the registry may be held.

use std::mem;
use std::sync::Arc;

use papyra_metrics::walk::{ErasedInstrument, Walker};
use papyra_metrics::{Counter, Descriptor, Distribution, Gauge, Kind, Metrics, Value};

use super::histogram::Buckets;
use super::listed::Listed;
use super::number::{Form, Number, number_of};
use super::readings::Readings;
use super::source::Source;
use crate::family::Family;
use crate::panics;

/// Buffers of a reader, which are reused by its next reading.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) readings: Readings,
    /// The problems of the reading, each with the position of the source.
    pub(crate) problems: Vec<(usize, String)>,
    /// The ids of the backends whose metrics only the registry still holds.
    pub(crate) orphans: Vec<u64>,
    /// The buffer for the histogram that is being read. Boxed, because it is large; `None` until the first histogram is
    /// read.
    distribution: Option<Box<Distribution>>,
    /// The readings of a source whose descriptors have changed. Each reading comes with the index of its metric in the
    /// descriptors with which the source was registered.
    unordered: Vec<(usize, Form, Number)>,
}

impl Scratch {
    pub(crate) fn clear(&mut self) {
        self.readings.clear();
        self.problems.clear();
        self.orphans.clear();
    }
}

/// Reads the source at this position: appends one reading for each metric in `listed`, and reports problems. A metric
/// that cannot be read is marked as unread, and its series keeps the last value. If the total were missing from one
/// export, a receiver of deltas would count the total a second time.
///
/// `address` is the address of the descriptors with which the source was registered. If the address and the length of
/// the list are still the same, the list has not changed.
pub(crate) fn collect(
    source: &dyn Source,
    listed: &Listed,
    address: usize,
    position: usize,
    scratch: &mut Scratch,
) {
    let first = scratch.readings.len();
    let end = first + listed.descriptors.len();
    let (next, run, relisted) = Default::default();
    let mut collector = Collector { listed, relisted, next, run, first, position, scratch };
    let metrics = source.metrics();
    let walked = panics::catch(|| {
        let now = metrics.descriptors();
        if now.as_ptr().addr() != address || now.len() != listed.descriptors.len() {
            collector.compare_descriptors(now);
        }
        metrics.walk(&mut collector);
        collector.check_len();
    });
    if collector.relisted.is_some() {
        collector.append_unordered();
    }
    scratch.readings.fill(end);
    if let Err(message) = walked {
        let problem = format!("reading its metrics panicked: {message}");
        scratch.problems.push((position, problem));
    }
}

struct Collector<'a> {
    listed: &'a Listed,
    /// The current descriptors of the source, if they have changed since the source was registered.
    relisted: Option<&'a [Descriptor]>,
    /// The index of the next metric in the current list of descriptors.
    next: usize,
    /// The index in `listed.runs` of the run that contains the next metric, or of an earlier run.
    run: usize,
    /// The index of the source's first reading.
    first: usize,
    /// The position of the source among all sources.
    position: usize,
    scratch: &'a mut Scratch,
}

impl<'a> Collector<'a> {
    #[cold]
    fn compare_descriptors(&mut self, now: &'a [Descriptor]) {
        self.relisted = (*now != *self.listed.descriptors).then_some(now);
    }

    /// Moves to the next metric. Returns the index of the metric in `listed`, and its family. Returns `None` if the
    /// metric is not exported.
    fn advance(&mut self) -> Option<(usize, &'a Family)> {
        let mut index = self.next;
        self.next += 1;
        if let Some(relisted) = self.relisted {
            let metric = relisted.get(index)?;
            let known = self.listed.descriptors.iter().position(|known| known == metric);
            if known.is_none() {
                self.report(format!(
                    "`{}` had no descriptor when the backend was registered; it is left out",
                    metric.name()
                ));
            }
            index = known?;
        }
        Some((index, self.listed.families.get(index)?.as_ref()?))
    }

    fn read(
        &mut self,
        index: usize,
        family: &Family,
        instrument: &dyn ErasedInstrument,
    ) -> Result<(), &'static str> {
        let Scratch { readings, distribution, .. } = &mut *self.scratch;
        if family.kind != Kind::Histogram {
            let (form, number) = number_of(family.kind, &instrument.read_total())?;
            self.set(index, form, number);
            return Ok(());
        }
        let value;
        let distribution = distribution.get_or_insert_default();
        let distribution = if instrument.read_total_into(distribution) {
            &**distribution
        } else {
            value = instrument.read_total();
            value
                .as_histogram()
                .ok_or("is a histogram, but its value is not; use `Value::Histogram`")?
        };
        // The buckets of the family are unknown if all of its metrics have been absent so far. The buckets of this
        // metric then become the buckets of the family.
        if !family.buckets_or_set(distribution).are_those_of(distribution) {
            return Err(
                "has buckets that differ from those of another metric of this name; declare both with the same buckets",
            );
        }
        let number = readings.add_histogram(distribution.tallies());
        self.set(index, Form::Histogram, number);
        Ok(())
    }

    fn set(&mut self, index: usize, form: Form, number: Number) {
        if self.relisted.is_some() {
            self.scratch.unordered.push((index, form, number));
        } else {
            self.append(index, form, number);
        }
    }

    fn append(&mut self, index: usize, form: Form, number: Number) {
        self.scratch.readings.fill(self.first + index);
        self.scratch.readings.push(form, number);
    }

    /// Appends the readings of a source whose descriptors have changed, in the order of the descriptors with which the
    /// source was registered.
    #[cold]
    fn append_unordered(&mut self) {
        let mut unordered = mem::take(&mut self.scratch.unordered);
        unordered.sort_by_key(|(index, ..)| *index);
        unordered.dedup_by_key(|(index, ..)| *index);
        for (index, form, number) in unordered.drain(..) {
            self.append(index, form, number);
        }
        self.scratch.unordered = unordered;
    }

    /// Skips the next `len` metrics if all of them are of this kind and the source's descriptors have not changed.
    /// Returns the index of their first reading, or `None` if the metrics have to be read one by one.
    fn next_run(&mut self, kind: Kind, len: usize) -> Option<usize> {
        let (start, end) = (self.next, self.next + len);
        let mut run = self.listed.runs.get(self.run)?;
        while run.end <= start {
            self.run += 1;
            run = self.listed.runs.get(self.run)?;
        }
        if run.kind != kind || end > run.end || self.relisted.is_some() {
            return None;
        }
        self.next = end;
        Some(self.first + start)
    }

    /// Reports a problem if the source passes more or fewer instruments than it has descriptors.
    #[inline]
    fn check_len(&mut self) {
        let listed = self.relisted.unwrap_or(&self.listed.descriptors).len();
        if self.next != listed {
            self.report(format!(
                "it passes {} instruments, but its number of descriptors is {listed}; pass one instrument for each \
                 descriptor, or `None` if a metric is absent",
                self.next
            ));
        }
    }

    fn report(&mut self, problem: String) {
        self.scratch.problems.push((self.position, problem));
    }
}

impl Walker for Collector<'_> {
    fn metric(&mut self, instrument: Option<&dyn ErasedInstrument>) {
        // Metrics that are not exported are not read, because reading a histogram copies all of its buckets.
        if let (Some((index, family)), Some(instrument)) = (self.advance(), instrument) {
            if let Err(fault) = self.read(index, family, instrument) {
                let name = self.listed.descriptors[index].name();
                self.report(format!("`{name}` {fault}"));
            }
        }
    }

    fn counters(&mut self, counters: &[&Counter]) {
        if let Some(first) = self.next_run(Kind::Counter, counters.len()) {
            let totals = counters.iter().map(|counter| Number::of_total(counter.total()));
            self.scratch.readings.add_run(first, Form::Total, totals);
        } else {
            for counter in counters {
                self.metric(Some(*counter));
            }
        }
    }

    fn gauges(&mut self, gauges: &[&Gauge]) {
        if let Some(first) = self.next_run(Kind::Gauge, gauges.len()) {
            let levels = gauges.iter().map(|gauge| Number::of_level(gauge.get()));
            self.scratch.readings.add_run(first, Form::Level, levels);
        } else {
            for gauge in gauges {
                self.metric(Some(*gauge));
            }
        }
    }

    fn absent(&mut self, count: usize) {
        self.next = skip(self.next, count);
    }
}

/// Returns the index of the metric after `count` absent metrics. Any number may be passed, for example by a subtraction
/// that wrapped. Neither this index nor those of the next metrics overflow, because a small index would belong to
/// another metric.
fn skip(next: usize, count: usize) -> usize {
    next.saturating_add(count).min(usize::MAX / 2)
}

/// Returns the buckets of each histogram that is not absent, with the index of its descriptor. If the source panics,
/// the list ends there, and the first reading reports the panic.
pub(crate) fn buckets(
    metrics: &dyn Metrics,
    descriptors: &[Descriptor],
) -> Vec<(usize, Arc<Buckets>)> {
    let mut buckets = Vec::new();
    if descriptors.iter().any(|metric| metric.kind() == Kind::Histogram) {
        let mut walker = BucketCollector { descriptors, next: 0, buckets: &mut buckets };
        let _ = panics::catch(|| metrics.walk(&mut walker));
    }
    buckets
}

struct BucketCollector<'a> {
    descriptors: &'a [Descriptor],
    next: usize,
    buckets: &'a mut Vec<(usize, Arc<Buckets>)>,
}

impl Walker for BucketCollector<'_> {
    fn metric(&mut self, instrument: Option<&dyn ErasedInstrument>) {
        let index = self.next;
        self.next += 1;
        let Some(instrument) = instrument else { return };
        if self.descriptors.get(index).is_none_or(|metric| metric.kind() != Kind::Histogram) {
            return;
        }
        let mut distribution = Distribution::default();
        if instrument.read_total_into(&mut distribution) {
            self.buckets.push((index, Arc::new(Buckets::of(&distribution))));
        } else if let Value::Histogram(distribution) = instrument.read_total() {
            self.buckets.push((index, Arc::new(Buckets::of(&distribution))));
        }
    }

    fn counters(&mut self, counters: &[&Counter]) {
        self.next += counters.len();
    }

    fn gauges(&mut self, gauges: &[&Gauge]) {
        self.next += gauges.len();
    }

    fn absent(&mut self, count: usize) {
        self.next = skip(self.next, count);
    }
}
