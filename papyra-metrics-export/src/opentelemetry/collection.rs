//! Readings of the registry for the callbacks of the instruments.
//!
//! Each observable instrument has a callback. Whenever a reader of the SDK collects, the SDK runs all callbacks, in the
//! order in which their instruments were built. All callbacks of a collection use the same reading of the registry,
//! unless another collection overlaps.
//!
//! The SDK does not report when a collection begins. A callback therefore compares its instrument with the instrument
//! of the previous callback. If its instrument was built later, both callbacks belong to the same collection, and the
//! callback uses the existing reading. Otherwise, a new collection has begun, and the callback takes a new reading.
//!
//! If collections overlap, each collection still takes a reading in its first callback, and a newer reading is never
//! replaced by an older reading. Therefore, no collection observes a value that was read before the collection began.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::opentelemetry::KeyValue;
use ::opentelemetry::metrics::Histogram;
use papyra_metrics::Kind;

use crate::family::Family;
use crate::registry::{Problem, ProblemReport};
use crate::replay::Replay;
use crate::series::exported::ExportedValues;
use crate::series::number::{Form, Number};
use crate::{Labels, Registry, RegistryReader};

/// The largest number of histogram values that are replayed after one reading. To replay a value is to record it in a
/// histogram of the SDK. A million values take about a tenth of a second. Later readings replay the remaining values.
const MAX_REPLAYED: u64 = 1_000_000;

pub(super) struct Collections {
    registry: Registry,
    current: Mutex<Current>,
    /// The problem report for panics in the current collection.
    panics: ProblemReport,
    /// The problem report for histograms whose values could not all be replayed yet.
    backlog: ProblemReport,
}

#[derive(Default)]
struct Current {
    /// The index of the instrument whose callback ran last.
    last: Option<usize>,
    /// The number of the newest reading.
    reading: u64,
    /// The [`RegistryReader::shape`] with which `observed` was built: a pair of version numbers. If a reading has
    /// another shape, the series have changed, and `observed` is rebuilt.
    shape: Option<(u64, u64)>,
    /// The series of each instrument, by the address of its family.
    observed: HashMap<usize, Vec<Observed>>,
    values: ExportedValues,
    /// The number of histogram values that may still be replayed from this reading.
    replays_left: u64,
    /// The readers that no collection is using. Usually there is one.
    readers: Vec<RegistryReader>,
}

/// A series of an instrument.
struct Observed {
    serial: u64,
    labels: Arc<Labels>,
    /// The index of the series' value in a reading.
    value_index: usize,
    form: Form,
    /// If the registry has forgotten an earlier counter with these labels, the last observed total of that counter,
    /// which is added to the current total. Otherwise zero.
    forgotten: u64,
    /// The values of the histogram that were already replayed into the SDK.
    replay: Option<Replay>,
    attributes: Vec<KeyValue>,
}

impl Observed {
    fn number(&self, kind: Kind, values: &ExportedValues) -> Number {
        let number = values.numbers[self.value_index];
        match kind {
            Kind::Counter => Number::of_total(number.total().wrapping_add(self.forgotten)),
            _ => number,
        }
    }
}

impl Collections {
    pub(super) fn new(registry: &Registry) -> Self {
        let (panics, backlog) = (registry.report(), registry.report());
        Self { registry: registry.clone(), current: Mutex::default(), panics, backlog }
    }

    /// Calls `observe` with each value of this family. If this is the first callback of a collection, reads the
    /// backends first, without holding a lock.
    pub(super) fn observe(
        &self,
        index: usize,
        family: &Family,
        mut observe: impl FnMut(Form, Number, &[KeyValue]),
    ) {
        // The lock is held during `observe`, so that an overlapping collection cannot observe an older value after a
        // newer one.
        let Current { observed, values, .. } = &*self.reading(index);
        for series in observed.get(&family.address()).into_iter().flatten() {
            observe(series.form, series.number(family.kind, values), &series.attributes);
        }
    }

    /// Records the new values of this family in a histogram of the SDK. If this is the first callback of a collection,
    /// reads the backends first, as [`observe`](Self::observe) does.
    ///
    /// Returns `false` if the family has series, but no histogram that can record their values has been built yet.
    pub(super) fn replay(
        &self,
        index: usize,
        family: &Family,
        histogram: Option<&Histogram<f64>>,
    ) -> bool {
        let Current { observed, values, replays_left, .. } = &mut *self.reading(index);
        let series = observed.get_mut(&family.address());
        let Some(histogram) = histogram else { return series.is_none() };
        let mut backlog = 0;
        for Observed { value_index, replay, attributes, .. } in series.into_iter().flatten() {
            let reading = values.histogram(*value_index, family);
            let Some((reading, replay)) = reading.zip(replay.as_mut()) else { continue };
            *replays_left -= replay.give(reading, *replays_left, |mean, count| {
                for _ in 0..count {
                    histogram.record(mean, attributes);
                }
            });
            backlog += replay.backlog(reading);
        }
        if backlog > 0 {
            let message = format!(
                "{backlog} values of `{}` are not exported to OpenTelemetry yet, because one collection exports at most \
                 {MAX_REPLAYED}; collect more often, or use the feature `otlp`",
                family.name()
            );
            self.backlog.add(Problem::new(String::new(), message));
        }
        true
    }

    /// Returns the reading for a callback. `index` is the index of the instrument in the order in which instruments are
    /// built. Takes a new reading if this is the first callback of a collection.
    fn reading(&self, index: usize) -> MutexGuard<'_, Current> {
        let mut current = self.current();
        let is_behind = current.last.is_some_and(|last| index > last);
        current.last = Some(index);
        if is_behind {
            return current;
        }
        let reader = current.readers.pop();
        drop(current);
        // The reports are cleared before the reading, so that a panic during the reading is reported as a problem of
        // this collection.
        self.panics.set(Vec::new());
        self.backlog.set(Vec::new());
        let mut reader = reader.unwrap_or_else(|| RegistryReader::with_closed(&self.registry));
        reader.refresh();
        reader.delivered();
        current = self.current();
        current.replays_left = MAX_REPLAYED;
        current.set_reading(reader);
        current
    }

    pub(super) fn report_panic(&self, family: &Family, message: &str) {
        let message =
            format!("observing `{}` for OpenTelemetry panicked: {message}", family.name());
        self.panics.add(Problem::new(String::new(), message));
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Current {
    /// Makes the reading of this reader the current reading, unless the current reading is newer.
    fn set_reading(&mut self, reader: RegistryReader) {
        if reader.number() > self.reading {
            self.reading = reader.number();
            if self.shape != Some(reader.shape()) {
                self.shape = Some(reader.shape());
                self.renew(&reader);
            }
            self.values.copy_from(reader.values());
        }
        self.readers.push(reader);
    }

    /// Rebuilds the list of series of each instrument. Series that existed before keep their state.
    fn renew(&mut self, reader: &RegistryReader) {
        let mut earlier: HashMap<(usize, Arc<Labels>), Observed> = HashMap::new();
        for (family, observed) in self.observed.drain() {
            earlier.extend(observed.into_iter().map(|it| ((family, Arc::clone(&it.labels)), it)));
        }
        for series in reader.series() {
            let (family, labels) = (&series.id.family, &series.id.labels);
            // A gauge of a closed backend is no longer observed. A counter keeps its total, so that the exported sum
            // does not fall.
            if !series.is_open && family.kind == Kind::Gauge {
                continue;
            }
            let attributes =
                || labels.iter().map(|(name, it)| KeyValue::new(name.to_owned(), it.to_owned()));
            let earlier = earlier.remove(&(family.address(), Arc::clone(labels)));
            let forgotten = match &earlier {
                Some(earlier) if earlier.serial == series.serial => earlier.forgotten,
                Some(earlier) => earlier.number(family.kind, &self.values).total(),
                None => 0,
            };
            let (replay, attributes) = match earlier {
                Some(it) if it.serial == series.serial => (it.replay, it.attributes),
                Some(it) => (None, it.attributes),
                None => (None, attributes().collect()),
            };
            let observed = Observed {
                serial: series.serial,
                labels: Arc::clone(labels),
                value_index: series.value_index,
                form: series.form,
                forgotten,
                replay: replay.or_else(|| family.buckets().map(Replay::new)),
                attributes,
            };
            self.observed.entry(family.address()).or_default().push(observed);
        }
    }
}
