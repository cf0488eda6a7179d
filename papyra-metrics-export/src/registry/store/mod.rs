//! The state of a registry. It is locked only briefly, and never while user code runs.

use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use papyra_metrics::Descriptor;
use rustc_hash::FxHashMap;

use super::Problem;
use super::closed::{
    ClosedBackend, ClosedBackends, ClosedSeries, ClosedValue, Departed, ForgottenSources,
    SourceTotal,
};
use super::schema::{MetricLabels, Schema};
use crate::Labels;
use crate::family::{Families, Family};
use crate::series::SeriesId;
use crate::series::collect::{Scratch, collect};
use crate::series::number::Form;
use crate::series::readings::Readings;
use crate::series::source::Source;
use crate::series::values::SeriesValues;

pub(super) mod register;
pub(super) mod view;

/// All registered backends and their series, open and closed.
#[derive(Default)]
pub(super) struct Store {
    families: Families,
    schemas: Vec<Arc<Schema>>,
    /// The backends in the order of registration. If a reader holds the list, a change replaces the list, so that the
    /// reader's list stays unchanged.
    backends: Arc<Vec<Backend>>,
    /// The values of the series of all backends, in the order of `backends`.
    values: SeriesValues,
    /// The serial number of each series in `values`.
    serials: Vec<u64>,
    /// The number of series in `values` whose backends are closed.
    dead: usize,
    index: FxHashMap<SeriesKey, Place>,
    /// Each set of labels, and the number of series that have it. Label values may come from users of the application,
    /// so the hash function has to resist chosen keys.
    labels: HashMap<Arc<Labels>, usize>,
    /// The id of the backend whose metrics are at each address.
    registered: FxHashMap<usize, u64>,
    closed: ClosedBackends,
    forgotten: ForgottenSources,
    /// The problems of the last reading, by the id of the backend.
    problems: BTreeMap<u64, Vec<String>>,
    /// Incremented whenever series are added, removed or change their form, so that views have to be rebuilt.
    epoch: u64,
    next_backend: u64,
    next_serial: u64,
    /// The number of times that the store was locked. It serves as a clock that orders readings.
    pub(super) clock: u64,
    /// The value of `clock` when a reading was last merged.
    last_merge: u64,
    /// The largest value of `clock` at which a merged reading began.
    last_begin: u64,
    /// The number of backends at which the next registration closes orphaned backends.
    sweep_at: usize,
    /// The number of completed readings.
    shown: u64,
}

/// A registered backend.
#[derive(Clone)]
pub(super) struct Backend {
    id: u64,
    /// The metrics of the backend. `None` once the backend is closed.
    source: Option<Arc<dyn Source>>,
    schema: Arc<Schema>,
    labels: Arc<Labels>,
    metric_labels: MetricLabels,
    /// The address of the backend's list of descriptors.
    listed_at: usize,
    /// The index of the backend's first series in `values`.
    first: usize,
    departed: Vec<Arc<Departed>>,
}

impl Backend {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Returns whether only the registry still holds the metrics of the backend. False if the backend is closed.
    pub(super) fn is_orphaned(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.is_orphaned())
    }

    /// Appends one reading for each metric. The readings have no values if the backend is closed. Calls user code.
    pub(super) fn read(&self, position: usize, scratch: &mut Scratch) {
        match &self.source {
            Some(source) => {
                collect(&**source, &self.schema.listed, self.listed_at, position, scratch);
            }
            None => scratch.readings.fill(scratch.readings.len() + self.len()),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.schema.len()
    }

    /// Returns the exported series of the backend, each with the index of its metric.
    fn series(&self) -> impl Iterator<Item = (usize, SeriesId)> {
        let families = self.schema.listed.families.iter().enumerate();
        families.filter_map(|(i, family)| {
            let (family, labels) = (family.clone()?, Arc::clone(self.metric_labels.of(i)));
            Some((i, SeriesId { family, labels }))
        })
    }

    fn is_open(&self) -> bool {
        self.source.as_ref().is_some_and(|source| !source.is_orphaned())
    }
}

/// The key of a series: the addresses of its family and of its labels. Equal families and equal labels are shared, so
/// equal series have equal addresses.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct SeriesKey {
    family: usize,
    labels: usize,
}

impl SeriesKey {
    fn new(family: &Family, labels: &Arc<Labels>) -> Self {
        Self { family: family.address(), labels: Arc::as_ptr(labels).addr() }
    }
}

#[derive(Clone, Copy)]
enum Place {
    /// The series belongs to the open backend with this id.
    Open(u64),
    /// The series belongs to a closed backend. Contains the number of the closing, and the index of the series in the
    /// closed backend.
    Closed(u64, usize),
}

impl Place {
    fn closed(self) -> Option<(u64, usize)> {
        match self {
            Self::Open(_) => None,
            Self::Closed(closing, index) => Some((closing, index)),
        }
    }
}

/// A reading of all backends that has begun and is not merged yet.
pub(super) struct Reading {
    pub(super) backends: Arc<Vec<Backend>>,
    /// The value of the store's clock when the reading began.
    began: u64,
}

/// The result of merging a reading.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Merge {
    Applied,
    /// Another reading that began later was already merged. It includes everything that this reading includes.
    Superseded,
    /// Another reading that may have begun earlier was merged in the meantime. This reading has to be repeated.
    Conflict,
}

impl Store {
    fn position(&self, id: u64) -> Option<usize> {
        self.backends.binary_search_by_key(&id, |backend| backend.id).ok()
    }

    /// Returns the position of the open backend with this id. `None` if there is no such backend, or if it is closed.
    fn open_position(&self, id: u64) -> Option<usize> {
        self.position(id).filter(|&position| self.backends[position].source.is_some())
    }

    /// Returns the backend with this id, for its last reading.
    pub(super) fn backend(&self, id: u64) -> Option<Backend> {
        self.open_position(id).map(|position| self.backends[position].clone())
    }

    pub(super) fn backend_at(&self, address: usize) -> Option<u64> {
        self.registered.get(&address).copied()
    }

    /// Returns the ids of the backends whose metrics only the registry still holds.
    pub(super) fn orphans(&mut self) -> Vec<u64> {
        let orphans = self.backends.iter().filter(|backend| backend.is_orphaned());
        let orphans: Vec<u64> = orphans.map(|backend| backend.id).collect();
        self.sweep_at = 2 * (self.backends.len() - orphans.len());
        orphans
    }

    /// Begins a reading of all backends.
    pub(super) fn begin(&mut self) -> Reading {
        self.compact();
        Reading { backends: Arc::clone(&self.backends), began: self.clock }
    }

    /// Returns whether a reading was merged after this time.
    pub(super) fn has_merged_since(&self, time: u64) -> bool {
        self.last_merge > time
    }

    /// Merges a reading of all backends into the store, unless another reading was merged since this one began. The
    /// other reading may contain newer or older totals, so they cannot be combined.
    pub(super) fn merge(&mut self, reading: &Reading, scratch: &mut Scratch) -> Merge {
        if self.has_merged_since(reading.began) {
            let is_newer = self.last_begin > reading.began;
            return if is_newer { Merge::Superseded } else { Merge::Conflict };
        }
        (self.last_begin, self.last_merge) = (reading.began, self.clock);
        // The lists differ if backends were added or removed during the reading.
        let is_new = if Arc::ptr_eq(&self.backends, &reading.backends) {
            self.values.apply(0, &scratch.readings, 0, self.values.len())
        } else {
            self.merge_each(&reading.backends, &scratch.readings)
        };
        self.epoch += u64::from(is_new);
        if !(self.problems.is_empty() && scratch.problems.is_empty()) {
            self.set_problems(&reading.backends, scratch);
        }
        Merge::Applied
    }

    /// Merges the readings of those backends that are still open. Returns whether the form of a series has changed.
    #[cold]
    fn merge_each(&mut self, backends: &[Backend], readings: &Readings) -> bool {
        let (mut is_new, mut next) = (false, 0);
        for backend in backends {
            let from = next;
            next += backend.len();
            let Some(position) = self.open_position(backend.id) else { continue };
            let first = self.backends[position].first;
            is_new |= self.values.apply(first, readings, from, backend.len());
        }
        is_new
    }

    /// Replaces the problems of the backends that are still open. If a backend was closed during the reading, the
    /// problems of its last reading are kept.
    #[cold]
    fn set_problems(&mut self, backends: &[Backend], scratch: &mut Scratch) {
        self.problems.values_mut().for_each(Vec::clear);
        for (position, problem) in scratch.problems.drain(..) {
            let id = backends[position].id;
            if self.open_position(id).is_some() {
                self.problems.entry(id).or_default().push(problem);
            }
        }
    }

    /// Closes backends whose readings have just been merged. Returns their sources, which the caller drops after it
    /// releases the lock.
    #[cold]
    pub(super) fn close_all(&mut self, ids: &[u64]) -> Vec<Arc<dyn Source>> {
        ids.iter().filter_map(|&id| self.close(id, None)).collect()
    }

    /// Closes a backend with its last readings. Returns its source, which the caller drops after it releases the lock.
    pub(super) fn close(&mut self, id: u64, last: Option<&mut Scratch>) -> Option<Arc<dyn Source>> {
        let position = self.position(id)?;
        let source = Arc::make_mut(&mut self.backends)[position].source.take()?;
        let Backend { first, departed, labels, .. } = &self.backends[position];
        let (first, departed, labels) = (*first, departed.clone(), Arc::clone(labels));
        let mut problems = self.problems.remove(&id).unwrap_or_default();
        if let Some(last) = last {
            self.values.apply(first, &last.readings, 0, self.backends[position].len());
            problems = last.problems.drain(..).map(|(_, problem)| problem).collect();
        }
        self.epoch += 1;
        self.dead += self.backends[position].len();
        if let Some(address) = source.address() {
            self.registered.remove(&address);
        }
        let mut backend = ClosedBackend {
            at: Instant::now(),
            series: Vec::with_capacity(self.backends[position].len()),
            departed,
            labels,
            problems,
        };
        let closing = self.closed.closings + 1;
        let mut totals = Vec::new();
        for (i, id) in self.backends[position].series() {
            let key = SeriesKey::new(&id.family, &id.labels);
            let (index, serial) = (first + i, self.serials[first + i]);
            let Some(form) = self.values.form(index) else {
                self.index.remove(&key);
                release(&mut self.labels, &id.labels);
                continue;
            };
            let number = self.values.shown()[index];
            let value = match form {
                Form::Histogram => self
                    .values
                    .take_histogram(index)
                    .map_or(ClosedValue::Number(form, number), ClosedValue::Histogram),
                _ => ClosedValue::Number(form, number),
            };
            match &value {
                ClosedValue::Histogram(values) => {
                    totals.push((serial, SourceTotal::Histogram(values.source_totals())));
                }
                ClosedValue::Number(Form::Total, _) => {
                    totals.push((serial, SourceTotal::Counter(self.values.source_total(index))));
                }
                ClosedValue::Number(..) => {}
            }
            self.index.insert(key, Place::Closed(closing, backend.series.len()));
            backend.series.push(Some(ClosedSeries { id, serial, value }));
        }
        if let Some((address, identity)) = source.address().zip(source.identity()) {
            let source = Arc::downgrade(&source);
            backend.departed.push(Arc::new(Departed { address, identity, source, totals }));
        }
        if !backend.series.is_empty() || !backend.problems.is_empty() {
            self.closed.add(backend);
        }
        self.forget_expired();
        if self.dead > 64 && 2 * self.dead > self.values.len() {
            self.compact();
        }
        Some(source)
    }

    /// Forgets the closed backends that exceed the limits.
    #[inline]
    pub(super) fn forget_expired(&mut self) {
        if !self.closed.is_empty() {
            self.forget_closed();
        }
    }

    #[cold]
    fn forget_closed(&mut self) {
        let now = Instant::now();
        while let Some(expired) = self.closed.pop_expired(now) {
            let series: Vec<_> = expired.series.into_iter().flatten().collect();
            for ClosedSeries { id, .. } in &series {
                self.index.remove(&SeriesKey::new(&id.family, &id.labels));
                release(&mut self.labels, &id.labels);
            }
            self.forgotten.add(expired.departed, &series);
        }
    }

    pub(super) fn set_retention(&mut self, keep_for: Duration, keep_at_most: usize) {
        (self.closed.keep_for, self.closed.keep_at_most) = (keep_for, keep_at_most);
        self.forget_expired();
    }

    /// Removes closed backends and their series from the lists.
    #[inline]
    fn compact(&mut self) {
        if self.dead > 0 {
            self.remove_dead();
        }
    }

    #[cold]
    fn remove_dead(&mut self) {
        self.dead = 0;
        let mut to = 0;
        for backend in Arc::make_mut(&mut self.backends) {
            if backend.source.is_some() {
                let (first, len) = (mem::replace(&mut backend.first, to), backend.len());
                if first != to {
                    self.values.shift(first, to, len);
                    self.serials.copy_within(first..first + len, to);
                }
                to += len;
            }
        }
        self.values.truncate(to);
        self.serials.truncate(to);
        Arc::make_mut(&mut self.backends).retain(|backend| backend.source.is_some());
    }

    pub(super) fn families(&self) -> Vec<Family> {
        self.families.all()
    }

    /// Returns the exported series of all open backends, each with its descriptor.
    pub(super) fn descriptors(&self) -> Vec<(SeriesId, Descriptor)> {
        let open = self.backends.iter().filter(|backend| backend.is_open());
        let described = open.flat_map(|backend| {
            backend
                .series()
                .map(|(i, series)| (series, backend.schema.listed.descriptors[i].clone()))
        });
        described.collect()
    }

    /// Returns the problems of the last reading of each backend.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let open = self.problems.iter().filter_map(|(&id, problems)| {
            let backend = &self.backends[self.position(id)?];
            let problems = backend.schema.problems.iter().chain(problems);
            Some(problems.map(|it| Problem::new(backend.labels.to_string(), it.clone())))
        });
        let closed = self.closed.since(0).map(|(_, backend)| {
            backend.problems.iter().map(|it| Problem::new(backend.labels.to_string(), it.clone()))
        });
        open.flatten().chain(closed.flatten()).collect()
    }

    /// Returns the labels of the open backends.
    pub(super) fn open_labels(&self) -> Vec<Arc<Labels>> {
        let open = self.backends.iter().filter(|backend| backend.is_open());
        open.map(|backend| Arc::clone(&backend.labels)).collect()
    }

    /// Removes and returns all backends, so that the registry can drop them without holding the lock.
    pub(super) fn take_backends(&mut self) -> Arc<Vec<Backend>> {
        mem::take(&mut self.backends)
    }
}

/// Decrements the number of series that have these labels, and removes the labels if no series is left.
fn release(labels: &mut HashMap<Arc<Labels>, usize>, released: &Arc<Labels>) {
    if let Some(series) = labels.get_mut(released) {
        *series -= 1;
        if *series == 0 {
            labels.remove(released);
        }
    }
}
