//! Registers and unregisters backends. No lock of the registry is held while the code of a backend runs.

use std::error::Error;
use std::sync::Arc;

use papyra_metrics::Metrics;

use super::Registry;
use super::registered::Registered;
use super::registration::Registration;
use super::store::register::Outcome;
use crate::series::collect;
use crate::series::source::{Source, StaticSource};
use crate::{Labels, RegisterError};

impl Registry {
    /// Registers the metrics of a backend. They stay registered until only the registry holds the `Arc`.
    ///
    /// The labels must distinguish this backend from every other open backend that has a metric of the same name. A
    /// label with an empty value is left out, because monitoring systems treat an empty label as absent.
    ///
    /// The registered metrics are those that [`descriptors`](Metrics::descriptors) returns at the time of the call. If
    /// there are histograms among them, this function walks the metrics once to compare the buckets of each histogram
    /// with the buckets of earlier histograms of the same name. The walk also computes the values of computed metrics,
    /// so the caller must not hold a lock that the computation needs.
    ///
    /// This function also reads and drops backends that only the registry still holds: always those whose labels the new
    /// backend takes over, and all of them whenever many backends were registered. The caller must not hold a lock that
    /// their code needs.
    ///
    /// If the backend itself implements `Metrics` and is registered, it is dropped only after the next reading, because
    /// the registry reads its last values first. [`unregister`](Self::unregister) releases it at once.
    ///
    /// # Errors
    ///
    /// Returns a [`RegisterError`], and registers nothing:
    ///
    /// - if no other clone of the `Arc` exists, or the metrics are already registered,
    /// - if the name of a metric or of a label is invalid, or a label is given twice,
    /// - if another metric of the same name, in this or another backend, differs in kind, unit, buckets or label names,
    ///   or a metric of another name would export samples of the same name,
    /// - if another metric has the same name and labels, in this backend or in another open backend.
    pub fn register<M>(&self, metrics: Arc<M>, labels: &[(&str, &str)]) -> Result<(), RegisterError>
    where
        M: Metrics + Send + Sync + ?Sized + 'static,
    {
        if Arc::strong_count(&metrics) == 1 {
            return Err(RegisterError::NotHeld);
        }
        self.open(&source(metrics), labels)
    }

    /// Takes ownership of metrics and registers them until the returned guard is dropped.
    ///
    /// Use this for metrics that exist only to be exported, such as a struct that flattens the metrics of several
    /// components.
    ///
    /// Keep the guard for as long as the components exist. The registry recognizes metrics that are registered again by
    /// their own `Arc`, but not components in a new struct. If a component is registered again in a new struct, under the
    /// same labels, its series continue from their last totals, and its earlier counts are added a second time.
    ///
    /// ```
    /// use papyra_metrics::{Counter, Metrics};
    /// use papyra_metrics_export::Registry;
    /// use std::sync::Arc;
    ///
    /// #[derive(Default, Metrics)]
    /// struct LogMetrics { records_written: Counter }
    ///
    /// #[derive(Metrics)]
    /// struct Exported {
    ///     #[metrics(flatten, prefix = "log_")]
    ///     log: Arc<LogMetrics>,
    /// }
    ///
    /// let log = Arc::new(LogMetrics::default());
    /// let exported = Registry::new().register_owned(Exported { log: log.clone() }, &[])?;
    /// exported.log.records_written.inc();
    /// # Ok::<(), papyra_metrics_export::RegisterError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`register`](Self::register), except [`RegisterError::NotHeld`] and
    /// [`RegisterError::AlreadyRegistered`].
    pub fn register_owned<M>(
        &self,
        metrics: M,
        labels: &[(&str, &str)],
    ) -> Result<Registered<M>, RegisterError>
    where
        M: Metrics + Send + Sync + 'static,
    {
        let metrics = Arc::new(metrics);
        self.open(&source(Arc::clone(&metrics)), labels)?;
        Ok(Registered::new(metrics))
    }

    /// Registers metrics that exist as long as the process, such as the metrics in a `static`.
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
    /// Returns the errors of [`register`](Self::register), except [`RegisterError::NotHeld`] and
    /// [`RegisterError::AlreadyRegistered`]. If the metrics are already registered under the same labels, the error is
    /// [`RegisterError::DuplicateSeries`].
    pub fn register_static<M>(
        &self,
        metrics: M,
        labels: &[(&str, &str)],
    ) -> Result<(), RegisterError>
    where
        M: Metrics + Send + Sync + 'static,
    {
        self.open(&source(StaticSource(metrics)), labels)
    }

    /// Reads metrics for the last time and releases the registry's `Arc`, even if other clones exist. Returns whether
    /// the metrics were registered.
    ///
    /// Each reader still gets the last values of the metrics. If a reading is under way in another thread, the `Arc` is
    /// released when that reading ends. The caller must not hold a lock that the metrics need in order to be read.
    pub fn unregister<M>(&self, metrics: &Arc<M>) -> bool
    where
        M: Metrics + Send + Sync + ?Sized + 'static,
    {
        let address = Arc::as_ptr(metrics).cast::<()>().addr();
        let id = self.store().backend_at(address);
        id.is_some_and(|id| self.close(id))
    }

    fn open(&self, source: &Arc<dyn Source>, labels: &[(&str, &str)]) -> Result<(), RegisterError> {
        let own = self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let labels = Arc::new(Labels::new(own.chain(labels.iter().copied()))?);
        let descriptors = source.metrics().descriptors();
        let is_accepted = |metric| self.filters.iter().all(|filter| filter(metric));
        let accepted: Option<Vec<bool>> =
            (!self.filters.is_empty()).then(|| descriptors.iter().map(is_accepted).collect());
        let buckets = collect::buckets(source.metrics(), descriptors);
        let registration = Registration {
            prefix: &self.shared.prefix,
            source,
            labels: &labels,
            descriptors,
            static_descriptors: source
                .metrics()
                .static_descriptors()
                .filter(|it| std::ptr::eq(*it, descriptors)),
            accepted: accepted.as_deref(),
            buckets: &buckets,
        };
        loop {
            let outcome = self.store().register(&registration);
            match outcome? {
                Outcome::Orphans(orphans) => {
                    for id in orphans {
                        self.close_orphan(id);
                    }
                }
                Outcome::Registered { has_new_families, needs_sweep } => {
                    if has_new_families {
                        self.shared.listeners.notify();
                    }
                    if needs_sweep {
                        self.close_orphans();
                    }
                    return Ok(());
                }
            }
        }
    }
}

fn source(source: impl Source + 'static) -> Arc<dyn Source> {
    Arc::new(source)
}

/// Allows libraries that depend on papyra-metrics alone to register metrics.
impl papyra_metrics::Register for Registry {
    fn register(
        &self,
        metrics: Arc<dyn Metrics + Send + Sync>,
        labels: &[(&str, &str)],
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        Self::register(self, metrics, labels).map_err(Into::into)
    }
}
