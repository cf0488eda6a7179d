//! The state of a registry. It is locked for moments only, and never while user code runs.

use std::collections::hash_map::Entry as MapEntry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use papyra_metrics::{Descriptor, Kind};

use super::Problem;
use super::closed::{ClosedBackend, ClosedBackends, ClosedSeries, Departed};
use super::schema::{MetricLabels, Schema};
use crate::family::{Families, Family};
use crate::series::SeriesId;
use crate::series::collect::Listed;
use crate::series::source::Source;
use crate::series::values::{Number, Reading, SeriesValues, Start};
use crate::{Labels, RegisterError};

/// All registered backends and their series.
#[derive(Default)]
pub(super) struct Store {
    families: Families,
    schemas: Vec<Arc<Schema>>,
    /// The backends in the order of registration. Replaced rather than changed while somebody reads them.
    backends: Arc<Vec<Backend>>,
    /// The values of all their series, in the same order.
    values: SeriesValues,
    /// The serial number of each of these series.
    serials: Vec<u64>,
    /// How many of these series belong to backends that are closed.
    dead: usize,
    index: HashMap<SeriesKey, Place>,
    /// Each set of labels that series have, and how many series have it.
    labels: HashMap<Arc<Labels>, usize>,
    /// The backend of each address.
    registered: HashMap<usize, u64>,
    closed: ClosedBackends,
    /// What could not be read last, by backend.
    problems: BTreeMap<u64, Vec<String>>,
    /// Grows whenever readers have other series to show.
    epoch: u64,
    next_backend: u64,
    next_serial: u64,
    ticket: u64,
    /// The number of readings that were merged, and the highest ticket of one.
    merged: u64,
    newest_merged: u64,
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
    /// The address of its own list of metrics.
    listed_at: usize,
    /// The index of its first series.
    first: usize,
    departed: Vec<Arc<Departed>>,
}

impl Backend {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn source(&self) -> Option<&Arc<dyn Source>> {
        self.source.as_ref()
    }

    pub(super) fn listed(&self) -> Listed<'_> {
        let Schema { descriptors, kinds, families, .. } = &*self.schema;
        Listed { descriptors, kinds, families, address: self.listed_at }
    }

    pub(super) fn len(&self) -> usize {
        self.schema.len()
    }

    /// The exported metrics, each with its index.
    fn series(&self) -> impl Iterator<Item = (usize, SeriesId)> {
        let families = self.schema.families.iter().enumerate();
        families.filter_map(|(i, family)| {
            let (family, labels) =
                (Arc::clone(family.as_ref()?), Arc::clone(self.metric_labels.of(i)));
            Some((i, SeriesId { family, labels }))
        })
    }

    fn is_open(&self) -> bool {
        self.source.as_ref().is_some_and(|source| !source.is_orphaned())
    }
}

/// Identifies a series by the addresses of its family and its labels, each of which is there once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct SeriesKey {
    family: usize,
    labels: usize,
}

impl SeriesKey {
    fn new(family: &Arc<Family>, labels: &Arc<Labels>) -> Self {
        Self { family: Arc::as_ptr(family).addr(), labels: Arc::as_ptr(labels).addr() }
    }
}

#[derive(Clone, Copy)]
enum Place {
    /// Of the backend with this id.
    Open(u64),
    /// Of the backend with this closing, and its index there.
    Closed(u64, usize),
}

/// A backend that is to be registered.
pub(super) struct Registration<'a> {
    pub(super) prefix: &'a Arc<str>,
    pub(super) source: &'a Arc<dyn Source>,
    pub(super) labels: &'a Arc<Labels>,
    pub(super) descriptors: &'a [Descriptor],
    /// Whether this list is static, so that its address identifies it.
    pub(super) is_static: bool,
    /// Whether a filter accepts each metric.
    pub(super) accepted: Option<&'a [bool]>,
}

/// What became of a registration.
pub(super) enum Outcome {
    Registered {
        has_new_families: bool,
        /// Whether there are many more backends than when orphans were last looked for.
        needs_sweep: bool,
    },
    /// These backends are orphaned, and have to be closed first.
    Orphans(Vec<u64>),
}

/// A reading of all sources, which is under way.
pub(super) struct Ticket {
    number: u64,
    merged: u64,
}

/// What became of a reading.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Merge {
    Applied,
    /// One that began later was merged, which has seen everything that this reading should see.
    Superseded,
    /// One that began earlier was merged. This reading has to be repeated.
    Conflict,
}

/// What a reader shows.
#[derive(Default)]
pub(crate) struct View {
    pub(crate) series: Vec<SeriesView>,
    /// The number of its reading, in the order in which readings were completed.
    pub(crate) number: u64,
    /// The values of series that are closed: they come after those of all backends.
    closed: Vec<Number>,
    /// Whether closed series stay in the view until they are forgotten.
    keeps_closed: bool,
    /// Series that were closed up to this closing are no longer shown.
    pub(crate) hidden: u64,
    /// The newest closing in the view.
    pub(crate) newest: u64,
    /// The oldest closing that is still shown.
    oldest: Option<u64>,
    epoch: u64,
    forgotten: u64,
}

/// A series in a view.
pub(crate) struct SeriesView {
    pub(crate) id: SeriesId,
    /// Never used for another series.
    pub(crate) serial: u64,
    /// The index of its value in the reading.
    pub(crate) place: usize,
    /// Whether there is a backend behind it.
    pub(crate) is_open: bool,
    /// Whether there is a backend behind it, or its last value has yet to be delivered.
    pub(crate) is_shown: bool,
}

impl View {
    pub(crate) fn new(keeps_closed: bool) -> Self {
        Self { keeps_closed, epoch: u64::MAX, ..Self::default() }
    }

    pub(crate) fn shape(&self) -> (u64, u64) {
        (self.epoch, self.forgotten)
    }
}

impl Store {
    /// Registers a backend, whose series go on where those of closed backends ended.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend is refused. Nothing of it is left then.
    pub(super) fn register(&mut self, new: &Registration<'_>) -> Result<Outcome, RegisterError> {
        let families = self.families.all().len();
        let outcome = self.try_register(new);
        if !matches!(outcome, Ok(Outcome::Registered { .. })) {
            self.families.truncate(families);
        }
        outcome
    }

    fn try_register(&mut self, new: &Registration<'_>) -> Result<Outcome, RegisterError> {
        let address = new.source.address();
        if let Some(id) = address.and_then(|address| self.registered.get(&address)) {
            let labels =
                self.position(*id).map(|position| self.backends[position].labels.to_string());
            return Err(RegisterError::AlreadyRegistered { labels: labels.unwrap_or_default() });
        }
        let known_families = self.families.all().len();
        let found =
            self.schemas.iter().find(|it| it.is_for(new.descriptors, new.is_static, new.accepted));
        let schema = match found {
            Some(schema) => Arc::clone(schema),
            None => Arc::new(Schema::new(
                new.prefix,
                (new.descriptors, new.is_static),
                new.accepted,
                new.labels,
                &mut self.families,
            )?),
        };
        let metric_labels = self.canonical(schema.labels(new.labels)?);
        let has_new_families = self.families.all().len() > known_families;
        let orphans = self.check_free(&schema, &metric_labels)?;
        if !orphans.is_empty() {
            return Ok(Outcome::Orphans(orphans));
        }
        self.add(new, schema, metric_labels);
        let needs_sweep = self.backends.len() >= self.sweep_at.max(64);
        Ok(Outcome::Registered { has_new_families, needs_sweep })
    }

    /// The same labels, with the one address that they have in the index if a series has them.
    fn canonical(&self, labels: MetricLabels) -> MetricLabels {
        let canonical = |labels: Arc<Labels>| match self.labels.get_key_value(&labels) {
            Some((known, _)) => Arc::clone(known),
            None => labels,
        };
        match labels {
            MetricLabels::OfBackend(labels) => MetricLabels::OfBackend(canonical(labels)),
            MetricLabels::Own(labels) => {
                // Those that are new have one address too.
                let mut distinct = HashSet::new();
                let labels = labels.into_iter().map(|labels| {
                    let labels = canonical(labels);
                    let known = distinct.get(&labels).map(Arc::clone);
                    known.unwrap_or_else(|| {
                        distinct.insert(Arc::clone(&labels));
                        labels
                    })
                });
                MetricLabels::Own(labels.collect())
            }
        }
    }

    /// The orphaned backends that have one of these series.
    fn check_free(
        &self,
        schema: &Schema,
        labels: &MetricLabels,
    ) -> Result<Vec<u64>, RegisterError> {
        let mut orphans = Vec::new();
        if let MetricLabels::OfBackend(labels) = labels {
            if !self.labels.contains_key(labels) {
                return Ok(orphans);
            }
        }
        for (i, family) in schema.families.iter().enumerate() {
            let Some(family) = family else { continue };
            let place = self.index.get(&SeriesKey::new(family, labels.of(i)));
            let Some(Place::Open(id)) = place else { continue };
            if orphans.contains(id) {
                continue;
            }
            if self.position(*id).is_some_and(|position| self.backends[position].is_open()) {
                let (family, labels) = (Arc::clone(family), Arc::clone(labels.of(i)));
                return Err(SeriesId { family, labels }.duplicate_error());
            }
            orphans.push(*id);
        }
        Ok(orphans)
    }

    fn add(&mut self, new: &Registration<'_>, schema: Arc<Schema>, metric_labels: MetricLabels) {
        let id = self.next_backend;
        self.next_backend += 1;
        self.epoch += 1;
        let address = new.source.address();
        let len = schema.len();
        self.values.reserve(len);
        self.serials.reserve(len);
        self.index.reserve(len);
        let first = self.values.len();
        let mut departed: Vec<Arc<Departed>> = Vec::new();
        let mut continued = Vec::new();
        // How many new series have the same labels, which are usually those of all.
        let mut run: Option<(&Arc<Labels>, usize)> = None;
        for (i, family) in schema.families.iter().enumerate() {
            let (mut start, mut serial) = (Start::default(), self.next_serial);
            if let Some(family) = family {
                let labels = metric_labels.of(i);
                let place = self.index.entry(SeriesKey::new(family, labels));
                let is_known = matches!(place, MapEntry::Occupied(_));
                if let MapEntry::Occupied(place) = &place
                    && let Place::Closed(closing, index) = *place.get()
                    && let Some(backend) = self.closed.get_mut(closing)
                    && let Some(series) = backend.series[index].take()
                {
                    if continued.last() != Some(&closing) {
                        continued.push(closing);
                        departed.extend(backend.departed.iter().cloned());
                    }
                    serial = series.serial;
                    if family.kind == Kind::Counter {
                        let total = series.shown.total();
                        let counted = counted_before(&departed, address, serial);
                        let base = total.wrapping_sub(counted);
                        start = Start { shown: series.shown, base, is_initialized: true };
                    }
                }
                place.insert_entry(Place::Open(id));
                if !is_known {
                    match &mut run {
                        Some((same, series)) if Arc::ptr_eq(same, labels) => *series += 1,
                        _ => {
                            if let Some((others, series)) = run.replace((labels, 1)) {
                                *self.labels.entry(Arc::clone(others)).or_default() += series;
                            }
                        }
                    }
                }
            }
            self.next_serial += u64::from(serial == self.next_serial);
            self.values.push(start);
            self.serials.push(serial);
        }
        if let Some((labels, series)) = run {
            *self.labels.entry(Arc::clone(labels)).or_default() += series;
        }
        for closing in continued {
            self.closed.remove_if_empty(closing);
        }
        departed
            .retain(|departed| departed.identity.is_alive() && Some(departed.address) != address);
        departed.dedup_by(|a, b| Arc::ptr_eq(a, b));
        if !schema.problems.is_empty() {
            self.problems.insert(id, Vec::new());
        }
        if let Some(address) = address {
            self.registered.insert(address, id);
        }
        if !self.schemas.iter().any(|known| Arc::ptr_eq(known, &schema)) {
            self.schemas.retain(|known| Arc::strong_count(known) > 1);
            self.schemas.push(Arc::clone(&schema));
        }
        let backend = Backend {
            id,
            source: Some(Arc::clone(new.source)),
            schema,
            labels: Arc::clone(new.labels),
            metric_labels,
            listed_at: new.descriptors.as_ptr().addr(),
            first,
            departed,
        };
        Arc::make_mut(&mut self.backends).push(backend);
    }

    fn position(&self, id: u64) -> Option<usize> {
        self.backends.binary_search_by_key(&id, |backend| backend.id).ok()
    }

    /// The backend of this id, to be read for the last time.
    pub(super) fn backend(&self, id: u64) -> Option<Backend> {
        let backend = &self.backends[self.position(id)?];
        backend.source.is_some().then(|| backend.clone())
    }

    pub(super) fn backend_at(&self, address: usize) -> Option<u64> {
        self.registered.get(&address).copied()
    }

    /// The backends that nobody but the registry holds.
    pub(super) fn orphans(&mut self) -> Vec<u64> {
        let orphans = self.backends.iter().filter(|it| it.source.is_some() && !it.is_open());
        let orphans: Vec<u64> = orphans.map(|backend| backend.id).collect();
        self.sweep_at = 2 * (self.backends.len() - orphans.len());
        orphans
    }

    /// Begins a reading of all backends.
    pub(super) fn begin(&mut self) -> (Ticket, Arc<Vec<Backend>>) {
        self.compact();
        (self.ticket(), Arc::clone(&self.backends))
    }

    pub(super) fn ticket(&mut self) -> Ticket {
        self.ticket += 1;
        Ticket { number: self.ticket, merged: self.merged }
    }

    /// Whether no reading was merged since this one began.
    pub(super) fn is_current(&self, ticket: &Ticket) -> bool {
        self.merged == ticket.merged
    }

    /// Merges a reading of all backends, unless another one was merged since it began: that one may have read a counter
    /// later or earlier than this one did.
    pub(super) fn merge(
        &mut self,
        ticket: &Ticket,
        backends: &[Backend],
        readings: &[Reading],
        problems: Vec<(usize, Vec<String>)>,
    ) -> Merge {
        if !self.is_current(ticket) {
            let is_newer = self.newest_merged > ticket.number;
            return if is_newer { Merge::Superseded } else { Merge::Conflict };
        }
        self.merged += 1;
        self.newest_merged = ticket.number;
        let mut is_new = false;
        let (mut rest, mut position) = (readings, 0);
        for backend in backends {
            let (readings, others) = rest.split_at(backend.len());
            rest = others;
            while self.backends.get(position).is_some_and(|known| known.id < backend.id) {
                position += 1;
            }
            match self.backends.get(position) {
                Some(known) if known.id == backend.id && known.source.is_some() => {
                    is_new |= self.values.apply(known.first, readings);
                }
                _ => {}
            }
        }
        self.epoch += u64::from(is_new);
        // What was a problem may be none now.
        self.problems.values_mut().for_each(Vec::clear);
        for (index, problems) in problems {
            self.problems.insert(backends[index].id, problems);
        }
        Merge::Applied
    }

    /// Closes a backend with its last readings. The caller drops the source when the lock is released.
    pub(super) fn close(
        &mut self,
        id: u64,
        last: Option<(&[Reading], Vec<String>)>,
    ) -> Option<Arc<dyn Source>> {
        let position = self.position(id)?;
        let source = Arc::make_mut(&mut self.backends)[position].source.take()?;
        let Backend { first, departed, labels, .. } = &self.backends[position];
        let (first, departed, labels) = (*first, departed.clone(), Arc::clone(labels));
        let mut problems = self.problems.remove(&id).unwrap_or_default();
        if let Some((readings, last_problems)) = last {
            self.values.apply(first, readings);
            problems = last_problems;
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
            if !self.values.is_initialized(index) {
                self.index.remove(&key);
                release(&mut self.labels, &id.labels);
                continue;
            }
            if id.family.kind == Kind::Counter {
                totals.push((serial, self.values.source_total(index)));
            }
            self.index.insert(key, Place::Closed(closing, backend.series.len()));
            backend.series.push(Some(ClosedSeries {
                id,
                serial,
                shown: self.values.shown()[index],
            }));
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
    pub(super) fn forget_expired(&mut self) {
        if self.closed.is_empty() {
            return;
        }
        let now = Instant::now();
        while let Some(expired) = self.closed.pop_expired(now) {
            for ClosedSeries { id, .. } in expired.series.into_iter().flatten() {
                self.index.remove(&SeriesKey::new(&id.family, &id.labels));
                release(&mut self.labels, &id.labels);
            }
        }
    }

    pub(super) fn set_retention(&mut self, keep_for: Duration, keep_at_most: usize) {
        (self.closed.keep_for, self.closed.keep_at_most) = (keep_for, keep_at_most);
        self.forget_expired();
    }

    /// Removes the series of backends that are closed from those of all backends.
    fn compact(&mut self) {
        if self.dead == 0 {
            return;
        }
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

    /// Brings a view and its values up to date. Returns whether it shows other series than before, or at other places.
    pub(super) fn show(&mut self, view: &mut View, numbers: &mut Vec<Number>) -> bool {
        self.compact();
        self.forget_expired();
        let hides_more = view.oldest.is_some_and(|oldest| oldest <= view.hidden);
        let forgets_more = view.keeps_closed && view.forgotten != self.closed.forgotten;
        let is_changed = view.epoch != self.epoch || hides_more || forgets_more;
        if is_changed {
            self.renew(view);
        }
        self.shown += 1;
        view.number = self.shown;
        numbers.clear();
        numbers.extend_from_slice(self.values.shown());
        numbers.extend_from_slice(&view.closed);
        is_changed
    }

    fn renew(&self, view: &mut View) {
        view.series.clear();
        view.closed.clear();
        (view.epoch, view.forgotten) = (self.epoch, self.closed.forgotten);
        for backend in &*self.backends {
            for (i, id) in backend.series() {
                let place = backend.first + i;
                if self.values.is_initialized(place) {
                    let serial = self.serials[place];
                    view.series.push(SeriesView {
                        id,
                        serial,
                        place,
                        is_open: true,
                        is_shown: true,
                    });
                }
            }
        }
        view.newest = self.closed.closings;
        view.oldest = None;
        let first = if view.keeps_closed { 0 } else { view.hidden };
        for (closing, backend) in self.closed.since(first) {
            let is_shown = closing > view.hidden;
            for series in backend.series.iter().flatten() {
                view.series.push(SeriesView {
                    id: series.id.clone(),
                    serial: series.serial,
                    place: self.values.len() + view.closed.len(),
                    is_open: false,
                    is_shown,
                });
                view.closed.push(series.shown);
                if is_shown {
                    view.oldest = view.oldest.or(Some(closing));
                }
            }
        }
    }

    pub(super) fn families(&self) -> &[Arc<Family>] {
        self.families.all()
    }

    /// What could not be exported when it was last read.
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

/// How much of a counter the series had taken over from the metrics of this address before they were unregistered.
fn counted_before(departed: &[Arc<Departed>], address: Option<usize>, serial: u64) -> u64 {
    let same = departed.iter().rev().filter(|departed| Some(departed.address) == address);
    let totals = same.flat_map(|departed| &departed.totals);
    totals.into_iter().find(|(of, _)| *of == serial).map_or(0, |&(_, total)| total)
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
