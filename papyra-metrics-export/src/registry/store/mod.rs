//! The state of a registry. It is locked only briefly, and never while user code runs.

use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::sync::Arc;

use papyra_metrics::Descriptor;
use rustc_hash::FxHashMap;

use super::Problem;
use super::closed::{ClosedBackends, Departed};
use super::forgotten::ForgottenSources;
use super::schema::{MetricLabels, Schema};
use crate::Labels;
use crate::family::{Families, Family};
use crate::series::SeriesId;
use crate::series::collect::{Scratch, collect};
use crate::series::source::Source;
use crate::series::values::SeriesValues;

mod close;
pub(super) mod merge;
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
    index: FxHashMap<SeriesKey, SeriesOwner>,
    /// Each set of labels, and the number of series that have it. Label values may come from users of the application,
    /// so the hash function must resist collision attacks.
    labels: HashMap<Arc<Labels>, usize>,
    /// The id of the backend whose metrics are at each address.
    registered: FxHashMap<usize, u64>,
    closed: ClosedBackends,
    forgotten: ForgottenSources,
    /// The problems of the last reading, by the id of the backend.
    problems: BTreeMap<u64, Vec<String>>,
    /// Incremented whenever series are added or removed, or change their form. Views then have to be rebuilt.
    epoch: u64,
    next_backend: u64,
    next_serial: u64,
    /// The number of times that the store was locked. It serves as a clock that orders readings.
    pub(super) clock: u64,
    /// The value of `clock` when a reading was last merged.
    last_merge: u64,
    /// The largest value of `clock` at which a merged reading began.
    last_begin: u64,
    /// The value of `clock` when a repeated reading began. Readings that began earlier are not merged. `None` if no
    /// repeated reading is under way.
    repeated_at: Option<u64>,
    /// A registration closes orphaned backends if there are at least this many backends, and at least 64.
    sweep_at: usize,
    /// The number of completed readings.
    readings: u64,
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

/// The backend that a series belongs to.
#[derive(Clone, Copy)]
enum SeriesOwner {
    /// The open backend with this id.
    Open(u64),
    /// A closed backend. Contains the number of the closed backend, and the index of the series in it.
    Closed(u64, usize),
}

impl SeriesOwner {
    fn closed(self) -> Option<(u64, usize)> {
        match self {
            Self::Open(_) => None,
            Self::Closed(closing, index) => Some((closing, index)),
        }
    }
}

impl Store {
    fn position(&self, id: u64) -> Option<usize> {
        self.backends.binary_search_by_key(&id, |backend| backend.id).ok()
    }

    /// Returns the position of the open backend with this id. `None` if there is no such backend, or if it is closed.
    fn open_position(&self, id: u64) -> Option<usize> {
        self.position(id).filter(|&position| self.backends[position].source.is_some())
    }

    /// Returns the backend with this id, for its last reading. `None` if the backend is already closed.
    pub(super) fn backend(&self, id: u64) -> Option<Backend> {
        self.open_position(id).map(|position| self.backends[position].clone())
    }

    pub(super) fn backend_at(&self, address: usize) -> Option<u64> {
        self.registered.get(&address).copied()
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

    /// Returns the problems of each backend's last reading. For open backends, also returns the reasons why metrics are
    /// not exported.
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

    /// Removes and returns all backends. The caller drops them, because their `Drop` may panic.
    pub(super) fn take_backends(&mut self) -> Arc<Vec<Backend>> {
        mem::take(&mut self.backends)
    }
}
