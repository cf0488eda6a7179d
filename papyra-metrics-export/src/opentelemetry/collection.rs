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

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use ::opentelemetry::KeyValue;
use ::opentelemetry::metrics::Histogram;

use super::observed::ObservedFamilies;
use crate::baseline::Baseline;
use crate::family::Family;
use crate::registry::{Problem, ProblemReport};
use crate::series::exported::ExportedValues;
use crate::series::number::{Form, Number};
use crate::{Registry, RegistryReader};

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
    /// The problem report for families with more series than the SDK keeps.
    merged: ProblemReport,
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
    observed: ObservedFamilies,
    values: ExportedValues,
    /// The number of histogram values that may still be replayed from this reading.
    replays_left: u64,
    /// The readers that no collection is using. Usually there is one.
    readers: Vec<RegistryReader>,
    /// The totals that are not exported, because they were counted before the baseline.
    baseline: Option<Arc<Baseline>>,
}

impl Collections {
    pub(super) fn new(registry: &Registry) -> Self {
        let (panics, backlog, merged) = (registry.report(), registry.report(), registry.report());
        Self { registry: registry.clone(), current: Mutex::default(), panics, backlog, merged }
    }

    pub(super) fn set_limit(&self, limit: usize) {
        self.current().observed.set_limit(limit);
    }

    /// Makes the present totals the baseline: later collections observe only what is counted from now on.
    pub(super) fn set_baseline(&self) {
        let baseline = RegistryReader::with_closed(&self.registry).present_totals();
        let mut current = self.current();
        current.baseline = Some(Arc::new(baseline));
        // These readers have no baseline.
        current.readers.clear();
    }

    /// Calls `observe` with each value of this family. If this is the first callback of a collection, reads the
    /// backends first, without holding a lock.
    pub(super) fn observe(
        &self,
        index: usize,
        family: &Family,
        observe: impl FnMut(Form, Number, &[KeyValue]),
    ) {
        // The lock is held during `observe`, so that an overlapping collection cannot observe an older value after a
        // newer one.
        let Current { observed, values, .. } = &*self.reading(index);
        observed.observe(family, values, observe);
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
        let Some(histogram) = histogram else { return !observed.has_series(family) };
        let mut backlog = 0;
        for (reading, replay, attributes) in observed.replays(family, values) {
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
        let (reader, baseline) = (current.readers.pop(), current.baseline.clone());
        drop(current);
        // The reports are cleared before the reading, so that a panic during the reading is reported as a problem of
        // this collection.
        self.panics.set(Vec::new());
        self.backlog.set(Vec::new());
        let mut reader = reader
            .unwrap_or_else(|| RegistryReader::with_closed(&self.registry).with_baseline(baseline));
        reader.refresh();
        reader.delivered();
        current = self.current();
        current.replays_left = MAX_REPLAYED;
        if let Some(problems) = current.set_reading(reader) {
            self.merged.set(problems);
        }
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
    /// Makes the reading of this reader the current reading, unless the current reading is newer. If the series have
    /// changed, returns a problem for each family that has more series than the SDK keeps.
    fn set_reading(&mut self, reader: RegistryReader) -> Option<Vec<Problem>> {
        let mut problems = None;
        if reader.number() > self.reading {
            self.reading = reader.number();
            if self.shape != Some(reader.shape()) {
                self.shape = Some(reader.shape());
                problems = Some(self.observed.update(&reader, &self.values, Instant::now()));
            }
            self.values.copy_from(reader.values());
        }
        self.readers.push(reader);
        problems
    }
}
