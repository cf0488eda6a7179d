//! The registry: the metrics of an application's backends, for adapters to read.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use papyra_metrics::Descriptor;

use crate::RegisterError;
use crate::family::Family;
use crate::series::SeriesId;
use listener::Listeners;
use problems::ProblemReports;
use reading::drop_backends;
use store::Store;

mod closed;
mod forgotten;
pub(crate) mod listener;
mod problems;
mod reading;
mod registered;
mod registering;
mod registration;
mod schema;
mod store;

pub(crate) use crate::series::collect::Scratch;
pub use problems::Problem;
pub(crate) use problems::ProblemReport;
pub use registered::Registered;
pub(crate) use store::view::{SeriesView, View};

/// The metrics of an application's backends, each with its labels, for adapters to export.
///
/// The application owns the registry; there is no global one. A clone is another handle to the same registry.
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
/// let sample = reader.read().next().unwrap();
/// assert_eq!(sample.name(), "papyra_records_written");
/// assert_eq!(sample.labels().get("backend"), Some("orders"));
/// assert_eq!(*sample.value(), 1);
/// # Ok::<(), papyra_metrics_export::RegisterError>(())
/// ```
///
/// # Backends that come and go
///
/// When only the registry still holds the `Arc` of a backend's metrics, the next reading closes the backend: the
/// registry keeps the last values and drops the `Arc`. Each reader gets the last values once. If a backend is opened
/// again under the same labels, its series continue from the last values, so that no reader ever sees a counter fall.
/// Metrics that are unregistered and registered again also continue their series, and what they have counted in the
/// meantime is included.
///
/// For this purpose, the registry remembers the totals of closed backends: by default for ten minutes, and of at most
/// 10,000 backends (see [`set_closed_retention`](Self::set_closed_retention)). Then it forgets the totals and reuses
/// their memory. If a backend is opened under the same labels after that, its series start at zero, even if the same
/// `Arc` of metrics is registered again, because readers already have the earlier counts. (For this, the registry
/// remembers up to 10,000 forgotten series of each `Arc` that still exists.) A reader that does not read within this
/// time does not get the last values. The memory and the time of a reading depend on the number of backends
/// that are open or remembered, not on how many were closed and forgotten.
///
/// An application that keeps only a `Weak` of the metrics must register them again whenever it gets an `Arc` from it. The
/// error [`AlreadyRegistered`](RegisterError::AlreadyRegistered) then means that they are still registered. If this `Arc`
/// is dropped while a reading is under way that closes the metrics, the reading may miss what was counted in the meantime.
///
/// # Totals
///
/// Readers get the lifetime total of a counter, which a reset does not change. If a total falls nevertheless, for
/// example because a plain `AtomicU64` was reset, the registry adds the last total that it read before the reset to all
/// later totals. Increments between that reading and the reset are lost; a [`Counter`](papyra_metrics::Counter) loses
/// none.
///
/// # Locks
///
/// Counting never waits for a reader. The registry holds no lock while it runs the code of a backend, which is its
/// [`Metrics::walk`] and its `Drop`. This code may therefore read the registry, register and unregister. If the code
/// blocks, it delays only the thread that called it. That is a thread that reads, but also one that registers (see
/// [`register`](Self::register)) or unregisters, which must not hold a lock that the code needs. Registering and
/// reading wait for each other only briefly. If two readers read at the same time, one of them may have to repeat its
/// reading. A repeated reading takes precedence over the readings that began before it, so each reading ends, even if
/// many threads read all the time. If a backend panics during a reading, the series that were not read before the panic
/// keep their last values, and [`problems`](Self::problems) reports the panic.
///
/// # Processes that fork
///
/// A forked process has a copy of the registry. Its exporters describe what the child has to do. Fork while no other
/// thread registers, unregisters or reads, for example before the exporters start: if another thread holds the lock of
/// the registry at that moment, the lock is never released in the child, which then waits for it forever. Counting has
/// no lock and works in every child.
///
/// [`Metrics::walk`]: papyra_metrics::Metrics::walk
#[derive(Clone)]
pub struct Registry {
    shared: Arc<Shared>,
    /// The labels that this handle adds to each registration.
    labels: Arc<[(String, String)]>,
    /// The filters of this handle. A metric is exported only if all filters accept it.
    filters: Vec<Filter>,
}

type Filter = Arc<dyn Fn(&Descriptor) -> bool + Send + Sync>;

struct Shared {
    /// The prefix of all exported names: words joined by dots.
    prefix: Arc<str>,
    store: Mutex<Store>,
    /// A copy of [`Store::clock`] that can be read without the lock. It is changed only while the store is locked.
    clock: AtomicU64,
    listeners: Listeners,
    reports: ProblemReports,
}

impl Registry {
    /// Creates a registry that puts no prefix before the names of metrics.
    pub fn new() -> Self {
        Self::of(Arc::default())
    }

    /// Creates a registry that puts a prefix before every name: words joined by dots, such as `papyra` or
    /// `papyra.storage`.
    ///
    /// Prometheus, the `metrics` facade and a [`RegistryReader`](crate::RegistryReader) have an underscore in place of
    /// each dot.
    ///
    /// # Errors
    ///
    /// Returns [`RegisterError::InvalidPrefix`] if a word does not match `[a-zA-Z][a-zA-Z0-9_]*`.
    pub fn with_prefix(prefix: &str) -> Result<Self, RegisterError> {
        let is_word = |word: &str| {
            word.starts_with(|first: char| first.is_ascii_alphabetic())
                && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if !prefix.split('.').all(is_word) {
            return Err(RegisterError::InvalidPrefix { prefix: prefix.to_owned() });
        }
        Ok(Self::of(prefix.into()))
    }

    fn of(prefix: Arc<str>) -> Self {
        let (store, clock, listeners, reports) = Default::default();
        let shared = Arc::new(Shared { prefix, store, clock, listeners, reports });
        Self { shared, labels: Arc::default(), filters: Vec::new() }
    }

    /// Returns another handle to the same registry. The returned handle adds the given labels to each registration.
    ///
    /// ```
    /// use papyra_metrics::persistence::PersistenceMetrics;
    /// use papyra_metrics_export::{RegistryReader, Registry};
    /// use std::sync::Arc;
    ///
    /// let registry = Registry::new();
    /// let metrics = Arc::new(PersistenceMetrics::default());
    /// let orders = registry.with_labels(&[("db", "orders")]);
    /// orders.register(metrics.clone(), &[("shard", "7")])?;
    ///
    /// let mut reader = RegistryReader::new(&registry);
    /// assert_eq!(reader.read().next().unwrap().labels().to_string(), r#"{db="orders",shard="7"}"#);
    /// # Ok::<(), papyra_metrics_export::RegisterError>(())
    /// ```
    ///
    /// This function accepts any labels. If one of them is invalid, each registration through the handle returns an
    /// error.
    #[must_use]
    pub fn with_labels(&self, labels: &[(&str, &str)]) -> Self {
        let labels = labels.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        let labels = self.labels.iter().cloned().chain(labels).collect();
        Self { labels, ..self.clone() }
    }

    /// Returns another handle to the same registry. Of backends that are registered through the returned handle, only
    /// the metrics that the filter accepts are exported.
    ///
    /// ```
    /// use papyra_metrics::persistence::PersistenceMetrics;
    /// use papyra_metrics_export::{RegistryReader, Registry};
    /// use std::sync::Arc;
    ///
    /// let registry = Registry::new();
    /// let errors = registry.with_filter(|metric| metric.name().ends_with("_errors"));
    /// let metrics = Arc::new(PersistenceMetrics::default());
    /// errors.register(metrics.clone(), &[])?;
    ///
    /// let mut reader = RegistryReader::new(&registry);
    /// assert!(reader.read().all(|sample| sample.name().ends_with("_errors")));
    /// # Ok::<(), papyra_metrics_export::RegisterError>(())
    /// ```
    ///
    /// At each registration, the filter is called for each metric. If this handle already has filters, a metric is
    /// exported only if all filters accept it. A filter is not called for a metric that an earlier filter refuses.
    #[must_use]
    pub fn with_filter(
        &self,
        filter: impl Fn(&Descriptor) -> bool + Send + Sync + 'static,
    ) -> Self {
        let mut handle = self.clone();
        handle.filters.push(Arc::new(filter));
        handle
    }

    /// Limits how long the totals of closed backends are kept, and for how many closed backends.
    ///
    /// The defaults are ten minutes and 10,000 backends. The limits apply to the whole registry, including backends
    /// that are already closed.
    pub fn set_closed_retention(&self, time: Duration, backends: usize) {
        self.store().set_retention(time, backends);
    }

    /// Returns the current problems. The list contains the problems of each backend's last reading, such as a panic or
    /// a value that does not match its descriptor, and the problems that adapters report, such as a name that a
    /// monitoring system refuses. The list is empty if all metrics were exported as declared.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.store().problems();
        problems.extend(self.shared.reports.all());
        problems
    }

    /// Returns the exported series of all open backends, each with its descriptor.
    pub(crate) fn descriptors(&self) -> Vec<(SeriesId, Descriptor)> {
        self.store().descriptors()
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.shared.prefix
    }

    /// Creates a problem report for an adapter. [`problems`](Self::problems) includes the report until it is dropped.
    pub(crate) fn report(&self) -> ProblemReport {
        self.shared.reports.open()
    }

    /// Returns all families in the order in which they were added.
    pub(crate) fn families(&self) -> Vec<Family> {
        self.store().families()
    }

    /// Calls the listener now and whenever families are added, until the listener is dropped.
    #[cfg(feature = "opentelemetry")]
    pub(crate) fn listen(&self, listener: &Arc<impl listener::FamilyListener + 'static>) {
        self.shared.listeners.add(listener);
        listener::FamilyListener::families_added(Arc::clone(listener));
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        let mut store = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.clock += 1;
        // Release: a reader that loads this clock value sees all changes made under earlier locks.
        self.shared.clock.store(store.clock, Ordering::Release);
        store
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let store = self.store.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop_backends(store.take_backends());
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Registry {
    /// Formats the prefix and the labels of the open backends.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let backends = self.store().open_labels();
        f.debug_struct("Registry")
            .field("prefix", &self.prefix())
            .field("backends", &backends)
            .finish()
    }
}
