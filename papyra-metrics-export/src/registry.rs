//! The metrics of an application's backends, brought together for whoever reads them.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use papyra_metrics::{Descriptor, Metrics};

use crate::family::{Families, Family};
#[cfg(feature = "statsd")]
use crate::problems::ProblemReport;
use crate::problems::ProblemReports;
use crate::slot::{Forever, Listed, Meta, Newcomer, Slot, Source, let_go};
use crate::{Labels, RegisterError};

/// The metrics of an application's backends, each with its labels, for adapters to export.
///
/// The application owns it; there is no global one. A clone is another handle to the same registry.
///
/// ```
/// use papyra_metrics::persistence::PersistenceMetrics;
/// use papyra_metrics_export::{RegistryReader, Registry};
/// use std::sync::Arc;
///
/// let registry = Registry::with_prefix("papyra")?;
///
/// // The backend holds an `Arc` of its metrics, and the registry another.
/// let orders = Arc::new(PersistenceMetrics::default());
/// registry.register(orders.clone(), &[("backend", "orders")])?;
/// orders.records_written.inc();
///
/// let mut reader = RegistryReader::new(&registry);
/// let reading = reader.read().next().unwrap();
/// assert_eq!(reading.name(), "papyra_records_written");
/// assert_eq!(reading.labels().get("backend"), Some("orders"));
/// assert_eq!(*reading.value(), 1);
/// # Ok::<(), papyra_metrics_export::RegisterError>(())
/// ```
///
/// # Backends that come and go
///
/// When nobody but the registry holds an `Arc` any more, its backend is gone: what it counted last goes out to
/// each reader once, and then it leaves by itself. A backend that is opened again under the same labels goes on
/// where the earlier one ended, so that no reader ever sees a counter fall. What is remembered for that stays as
/// long as the registry: some 200 bytes for each metric of each set of labels. So labels tell backends apart,
/// and are no place for what never comes back, such as the id of a request.
///
/// # Totals
///
/// Counters are read over their lifetime, which no reset touches. Where a source's total falls all the same, as
/// a plain `AtomicU64` does when it is reset, what was read before is carried on. What such a source counted
/// between the last reading and its reset was never seen and is lost; a [`Counter`](papyra_metrics::Counter)
/// loses nothing.
///
/// # Locks
///
/// Counting never waits for a reader. Readers wait for each other, and whoever registers a backend waits for a
/// reading of those that have the same labels. A source is read while the series of its labels are locked, so a
/// [`Metrics`] written by hand must not use the registry. One that panics is left out of
/// that reading: its series keep their last values, and [`problems`](Self::problems) tells.
#[derive(Clone)]
pub struct Registry {
    shared: Arc<Shared>,
}

struct Shared {
    /// Words, of which names are made with `.` or `_` between them.
    prefix: String,
    known: Mutex<Known>,
    /// Grows only, so that a place in it stays what it is. They are side by side, for the processor to fetch them ahead:
    /// reading very many is little more than waiting for memory.
    slots: boxcar::Vec<Slot>,
    watchers: Mutex<Vec<Weak<dyn Watcher>>>,
    reports: ProblemReports,
}

/// Locked for moments only, and never while code of users runs.
#[derive(Default)]
struct Known {
    /// The place of each slot.
    by_labels: HashMap<Arc<Labels>, usize>,
    families: Families,
    /// The `Arc`s that are held, by address, and under which labels.
    held: HashMap<usize, Arc<Labels>>,
    /// The lists of metrics that backends share, one for each type that does not derive its own.
    lists: Vec<Arc<[Descriptor]>>,
}

/// A backend that may have its place, if that is free.
struct Admitted {
    slot: usize,
    /// For each metric what it exports, or why it does not.
    exported: Vec<Result<Meta, String>>,
    /// The families that nobody had before.
    new: Vec<Arc<Family>>,
}

/// Is told when there may be new families.
pub(crate) trait Watcher: Send + Sync {
    fn look(self: Arc<Self>, families: &[Arc<Family>]);
}

impl Registry {
    /// A registry whose metrics are exported under the names that backends gave them.
    pub fn new() -> Self {
        Self::of(String::new())
    }

    /// A registry that puts a prefix before every name: words joined by dots, such as `papyra` or
    /// `papyra.storage`.
    ///
    /// Prometheus and the `metrics` facade see an underscore in place of each dot.
    ///
    /// # Errors
    ///
    /// [`RegisterError::Prefix`], where a word does not match `[a-zA-Z][a-zA-Z0-9_]*`.
    pub fn with_prefix(prefix: &str) -> Result<Self, RegisterError> {
        let is_word = |word: &str| {
            word.starts_with(|first: char| first.is_ascii_alphabetic())
                && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if !prefix.split('.').all(is_word) {
            return Err(RegisterError::Prefix { prefix: prefix.to_owned() });
        }
        Ok(Self::of(prefix.to_owned()))
    }

    fn of(prefix: String) -> Self {
        let (known, slots, watchers, reports) = Default::default();
        let shared = Shared { prefix, known, slots, watchers, reports };
        Self { shared: Arc::new(shared) }
    }

    /// Adds the metrics of a backend, until nobody else holds the `Arc` any more.
    ///
    /// The labels have to tell this backend from the others that have a metric in common with it. One whose
    /// value is empty is left out: monitoring systems know no difference. Prometheus sets `instance` and `job`
    /// itself, and renames yours.
    ///
    /// The metrics are those that [`descriptors`](Metrics::descriptors) lists now.
    ///
    /// Where the backend is its own metrics, the registry keeps it from being dropped until it was read once
    /// more; [`unregister`](Self::unregister) lets go at once.
    ///
    /// # Errors
    ///
    /// A label that is no label, a metric that another backend has with another kind or unit, or labels that a
    /// living backend with the same metrics has: see [`RegisterError`]. Nothing is registered then.
    pub fn register<M>(&self, metrics: Arc<M>, labels: &[(&str, &str)]) -> Result<(), RegisterError>
    where
        M: Metrics + Send + Sync + ?Sized + 'static,
    {
        self.open(Box::new(metrics), labels)
    }

    /// Adds metrics that stay as long as the registry does: those in a `static`, or of the process itself.
    ///
    /// ```
    /// use papyra_metrics::{Counter, Metrics};
    /// use papyra_metrics_export::Registry;
    ///
    /// #[derive(Metrics)]
    /// struct LogMetrics { records_written: Counter }
    ///
    /// static METRICS: LogMetrics = LogMetrics { records_written: Counter::new() };
    ///
    /// Registry::new().register_static(&METRICS, &[("backend", "orders")])?;
    /// # Ok::<(), papyra_metrics_export::RegisterError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`register`](Self::register).
    pub fn register_static<M>(
        &self,
        metrics: M,
        labels: &[(&str, &str)],
    ) -> Result<(), RegisterError>
    where
        M: Metrics + Send + Sync + 'static,
    {
        self.open(Box::new(Forever(metrics)), labels)
    }

    /// Reads these metrics for the last time and lets the `Arc` go, whoever else holds it. Whether they were
    /// registered.
    ///
    /// What they counted last still goes out to each reader.
    pub fn unregister<M>(&self, metrics: &Arc<M>) -> bool
    where
        M: Metrics + Send + Sync + ?Sized + 'static,
    {
        let address = Arc::as_ptr(metrics).cast::<()>().addr();
        let known = self.known();
        let labels = known.held.get(&address);
        let slot = labels.and_then(|labels| known.by_labels.get(labels)).copied();
        drop(known);
        let source = slot.and_then(|slot| self.shared.slots[slot].close(address));
        let Some(source) = source else { return false };
        self.let_go(vec![source]);
        true
    }

    /// What could not be exported when it was last read: panics, metrics of a kind that this crate does not
    /// know, and the like. Empty when all is well.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (_, slot) in &self.shared.slots {
            let backend = slot.labels.to_string();
            let told = slot.problems().into_iter();
            problems.extend(told.map(|message| Problem { backend: backend.clone(), message }));
        }
        problems.extend(self.shared.reports.all());
        problems
    }

    /// The report of an adapter, which [`problems`](Self::problems) includes as long as it exists.
    #[cfg(feature = "statsd")]
    pub(crate) fn report(&self) -> ProblemReport {
        self.shared.reports.open()
    }

    fn open(&self, source: Box<dyn Source>, labels: &[(&str, &str)]) -> Result<(), RegisterError> {
        let labels = Arc::new(Labels::new(labels)?);
        let address = source.address();
        let metrics = source.metrics().descriptors();
        let metrics = match source.metrics().static_descriptors() {
            Some(listed) if listed == metrics => Listed::Static(listed),
            _ => Listed::Shared {
                list: self.known().list(metrics),
                address: metrics.as_ptr().addr(),
            },
        };
        let Admitted { slot, exported, new } =
            self.known().admit(&self.shared, &labels, address, &metrics)?;
        let slot = &self.shared.slots[slot];
        let mut left = Vec::new();
        let opened = slot.open(Newcomer { source, metrics, exported }, &mut left);
        self.let_go(left);
        if opened.is_err() {
            self.known().turn_away(address, new);
        } else {
            self.tell();
        }
        opened
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.shared.prefix
    }

    /// In the order in which they were registered.
    pub(crate) fn slots(&self) -> &boxcar::Vec<Slot> {
        &self.shared.slots
    }

    /// Drops sources that are read no more, outside of every lock.
    #[inline]
    pub(crate) fn let_go(&self, sources: Vec<Box<dyn Source>>) {
        if !sources.is_empty() {
            self.forget(sources);
        }
    }

    fn forget(&self, sources: Vec<Box<dyn Source>>) {
        let mut known = self.known();
        for address in sources.iter().filter_map(|source| source.address()) {
            known.held.remove(&address);
        }
        drop(known);
        let_go(sources);
    }

    /// Has the watcher look at all families, now and whenever there are more, for as long as it is there.
    #[cfg(feature = "opentelemetry")]
    pub(crate) fn watch(&self, watcher: Weak<dyn Watcher>) {
        self.watchers().push(watcher);
        self.tell();
    }

    fn tell(&self) {
        // Held to the end, so that a watcher is not called twice at once.
        let mut watchers = self.watchers();
        watchers.retain(|watcher| watcher.strong_count() > 0);
        if watchers.is_empty() {
            return;
        }
        let families = self.known().families.all().to_vec();
        for watcher in watchers.iter().filter_map(Weak::upgrade) {
            watcher.look(&families);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.shared.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watchers(&self) -> MutexGuard<'_, Vec<Weak<dyn Watcher>>> {
        self.shared.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// The list of these metrics that all backends of a type share.
    fn list(&mut self, metrics: &[Descriptor]) -> Arc<[Descriptor]> {
        if let Some(list) = self.lists.iter().find(|list| ***list == *metrics) {
            return Arc::clone(list);
        }
        self.lists.retain(|list| Arc::strong_count(list) > 1);
        let list: Arc<[Descriptor]> = metrics.into();
        self.lists.push(Arc::clone(&list));
        list
    }

    /// Finds what the metrics export, and where their series are.
    fn admit(
        &mut self,
        Shared { prefix, slots, .. }: &Shared,
        labels: &Arc<Labels>,
        address: Option<usize>,
        metrics: &[Descriptor],
    ) -> Result<Admitted, RegisterError> {
        if let Some(earlier) = address.and_then(|address| self.held.get(&address)) {
            return Err(RegisterError::Registered { labels: earlier.to_string() });
        }
        let before = self.families.all().len();
        let exported = export(prefix, labels, metrics, &mut self.families);
        let new = self.families.all()[before..].to_vec();
        let exported = match exported {
            Ok(exported) => exported,
            Err(error) => {
                self.families.forget(new);
                return Err(error);
            }
        };
        if let Some(address) = address {
            self.held.insert(address, Arc::clone(labels));
        }
        let add = || slots.push(Slot::new(Arc::clone(labels)));
        let slot = *self.by_labels.entry(Arc::clone(labels)).or_insert_with(add);
        Ok(Admitted { slot, exported, new })
    }

    /// Has a registration that was refused leave no trace.
    fn turn_away(&mut self, address: Option<usize>, new: Vec<Arc<Family>>) {
        if let Some(address) = address {
            self.held.remove(&address);
        }
        self.families.forget(new);
    }
}

/// What each of the metrics exports, or why it does not.
fn export(
    prefix: &str,
    labels: &Arc<Labels>,
    metrics: &[Descriptor],
    families: &mut Families,
) -> Result<Vec<Result<Meta, String>>, RegisterError> {
    let mut distinct = HashSet::with_capacity(metrics.len());
    let exported = metrics.iter().map(|metric| {
        let labels = match metric.labels() {
            [] => Arc::clone(labels),
            own => Arc::new(labels.with(own)?),
        };
        let (name, kind, unit) = (metric.exposition_name(), metric.kind(), metric.unit());
        let family = Family::new(prefix, name, kind, unit, metric.help(), &labels)?;
        let Some(family) = families.find_or_add(family)? else {
            return Ok(Err(format!(
                "`{}` is a {kind}, which this version of papyra-metrics-export does not know; it is left out",
                metric.name()
            )));
        };
        let meta = Meta { family, labels };
        if !distinct.insert((Arc::as_ptr(&meta.family), Arc::clone(&meta.labels))) {
            return Err(meta.taken());
        }
        Ok(Ok(meta))
    });
    exported.collect()
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Registry {
    /// The prefix, and the labels of the backends that are there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slots = self.shared.slots.iter().filter(|(_, slot)| slot.is_open());
        let backends: Vec<_> = slots.map(|(_, slot)| &slot.labels).collect();
        f.debug_struct("Registry")
            .field("prefix", &self.prefix())
            .field("backends", &backends)
            .finish()
    }
}

/// Something that could not be exported.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The labels of the backend.
    pub backend: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "backend {}: {}", self.backend, self.message)
    }
}
