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
use crate::series::listed::KindRun;
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
    /// The backends in the order of registration. While a reader uses the list, it is replaced instead of changed.
    backends: Arc<Vec<Backend>>,
    /// The values of all their series, in the same order.
    values: SeriesValues,
    /// The serial number of each of these series.
    serials: Vec<u64>,
    /// These series in runs of metrics of one kind. Empty from a change of the list until the next reading.
    runs: Vec<KindRun>,
    /// How many of these series belong to backends that are closed.
    dead: usize,
    index: FxHashMap<SeriesKey, Place>,
    /// Each set of labels that series have, and how many series have it. Their values may come from the application's
    /// users, so that the hash has to resist chosen keys.
    labels: HashMap<Arc<Labels>, usize>,
    /// The backend of each address.
    registered: FxHashMap<usize, u64>,
    closed: ClosedBackends,
    forgotten: ForgottenSources,
    /// The problems of the last reading, by backend.
    problems: BTreeMap<u64, Vec<String>>,
    /// Incremented whenever the set of series that readers show changes.
    epoch: u64,
    next_backend: u64,
    next_serial: u64,
    /// How often the store was locked. It is the time by which readings are ordered.
    pub(super) clock: u64,
    /// The time at which a reading was last merged.
    last_merge: u64,
    /// The latest time at which a merged reading began.
    last_begin: u64,
    /// The number of backends at which orphans are looked for.
    sweep_at: usize,
    /// The number of readings that were completed.
    shown: u64,
}

/// A registered backend.
#[derive(Clone)]
pub(super) struct Backend {
    id: u64,
    /// `None` once the backend is closed.
    source: Option<Arc<dyn Source>>,
    schema: Arc<Schema>,
    labels: Arc<Labels>,
    metric_labels: MetricLabels,
    /// The address of the list of metrics of this backend.
    listed_at: usize,
    /// The index of its first series.
    first: usize,
    departed: Vec<Arc<Departed>>,
}

impl Backend {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Whether only the registry holds its metrics. False once it is closed.
    pub(super) fn is_orphaned(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.is_orphaned())
    }

    /// Appends a reading of each metric, without a value if the backend is closed. Runs user code.
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

    /// The exported metrics, each with its index.
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

/// Identifies a series by the addresses of its family and its labels, which are shared, so equal ones have one address.
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
    /// A series of the backend with this id.
    Open(u64),
    /// A series of the backend with this closing, and its index there.
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

/// A reading of all backends, which is under way.
pub(super) struct Reading {
    pub(super) backends: Arc<Vec<Backend>>,
    /// The time at which it began.
    began: u64,
}

/// The outcome of merging a reading.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Merge {
    Applied,
    /// A reading that began later was merged. It includes everything that this reading has to include.
    Superseded,
    /// A reading that may have begun earlier was merged. This reading has to be repeated.
    Conflict,
}

impl Store {
    fn position(&self, id: u64) -> Option<usize> {
        self.backends.binary_search_by_key(&id, |backend| backend.id).ok()
    }

    /// The position of the backend with this id, unless it is closed.
    fn open_position(&self, id: u64) -> Option<usize> {
        self.position(id).filter(|&position| self.backends[position].source.is_some())
    }

    /// The backend of this id, to be read for the last time.
    pub(super) fn backend(&self, id: u64) -> Option<Backend> {
        self.open_position(id).map(|position| self.backends[position].clone())
    }

    pub(super) fn backend_at(&self, address: usize) -> Option<u64> {
        self.registered.get(&address).copied()
    }

    /// Returns the backends that only the registry holds.
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

    /// Whether a reading was merged after this time.
    pub(super) fn has_merged_since(&self, time: u64) -> bool {
        self.last_merge > time
    }

    /// Merges a reading of all backends, unless another one was merged since it began: that one may have read a counter
    /// later or earlier than this one did.
    pub(super) fn merge(&mut self, reading: &Reading, scratch: &mut Scratch) -> Merge {
        if self.has_merged_since(reading.began) {
            let is_newer = self.last_begin > reading.began;
            return if is_newer { Merge::Superseded } else { Merge::Conflict };
        }
        (self.last_begin, self.last_merge) = (reading.began, self.clock);
        // The list is another one if backends were added or removed in the meantime.
        let is_same_list = Arc::ptr_eq(&self.backends, &reading.backends);
        let is_applied = is_same_list
            && !self.runs.is_empty()
            && self.values.apply_known(0, &self.runs, &scratch.readings, 0);
        if !is_applied {
            self.merge_each(&reading.backends, &scratch.readings);
        }
        if !(self.problems.is_empty() && scratch.problems.is_empty()) {
            self.set_problems(&reading.backends, scratch);
        }
        Merge::Applied
    }

    /// Merges the readings of the backends that are still open.
    #[cold]
    fn merge_each(&mut self, backends: &[Backend], readings: &Readings) {
        let (mut is_new, mut next) = (false, 0);
        for backend in backends {
            let from = next;
            next += backend.len();
            let Some(position) = self.open_position(backend.id) else { continue };
            let Backend { first, schema, .. } = &self.backends[position];
            is_new |= self.values.apply(*first, &schema.listed.runs, readings, from);
        }
        self.epoch += u64::from(is_new);
        if self.runs.is_empty() {
            for backend in &*self.backends {
                KindRun::append(&mut self.runs, backend.schema.listed.runs.iter().copied());
            }
        }
    }

    /// Replaces the problems of the backends that are still open. One that was closed in the meantime has the problems of
    /// its last reading.
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

    /// Closes backends that have just been read. The caller drops the sources when the lock is released.
    #[cold]
    pub(super) fn close_all(&mut self, ids: &[u64]) -> Vec<Arc<dyn Source>> {
        ids.iter().filter_map(|&id| self.close(id, None)).collect()
    }

    /// Closes a backend with its last readings. The caller drops the source when the lock is released.
    pub(super) fn close(&mut self, id: u64, last: Option<&mut Scratch>) -> Option<Arc<dyn Source>> {
        let position = self.position(id)?;
        let source = Arc::make_mut(&mut self.backends)[position].source.take()?;
        let Backend { first, departed, labels, .. } = &self.backends[position];
        let (first, departed, labels) = (*first, departed.clone(), Arc::clone(labels));
        let mut problems = self.problems.remove(&id).unwrap_or_default();
        if let Some(last) = last {
            let runs = &self.backends[position].schema.listed.runs;
            self.values.apply(first, runs, &last.readings, 0);
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
            backend.departed.push(Arc::new(Departed { address, identity, totals }));
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

    /// Forgets closed backends beyond the limits.
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

    /// Removes the series of backends that are closed from those of all backends.
    #[inline]
    fn compact(&mut self) {
        if self.dead > 0 {
            self.remove_dead();
        }
    }

    #[cold]
    fn remove_dead(&mut self) {
        self.dead = 0;
        self.runs.clear();
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

    /// The exported series of the backends that are open, and the descriptor of each.
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

    /// The labels of the backends that are open.
    pub(super) fn open_labels(&self) -> Vec<Arc<Labels>> {
        let open = self.backends.iter().filter(|backend| backend.is_open());
        open.map(|backend| Arc::clone(&backend.labels)).collect()
    }

    /// The backends, to be dropped with the registry.
    pub(super) fn take_backends(&mut self) -> Arc<Vec<Backend>> {
        mem::take(&mut self.backends)
    }
}

/// Forgets labels that no series has any more.
fn release(labels: &mut HashMap<Arc<Labels>, usize>, released: &Arc<Labels>) {
    if let Some(series) = labels.get_mut(released) {
        *series -= 1;
        if *series == 0 {
            labels.remove(released);
        }
    }
}
