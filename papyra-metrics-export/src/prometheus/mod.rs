//! Prometheus: its text formats, an adapter that answers scrapes, and a server.
//!
//! [`Prometheus`] turns an `Accept` header into a content type and a body, which is all that an HTTP framework
//! needs to answer a scrape; [`serve`] is for applications without an HTTP framework. [`encode`] writes metrics that
//! are not registered.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::Duration;

use crate::registry::ProblemReport;
use crate::{Problem, Registry, RegistryReader, panics};
use delivery::Delivery;
use exposition::Exposition;

mod delivery;
mod exposition;
mod negotiate;
mod samples;
mod server;

pub use negotiate::Format;
pub use samples::{Sample, encode};
pub use server::{Server, serve};

/// Answers the scrapes of one Prometheus server, in the format that the server requests.
///
/// ```
/// use papyra_metrics::persistence::PersistenceMetrics;
/// use papyra_metrics_export::{Registry, prometheus::Prometheus};
/// use std::sync::Arc;
///
/// let registry = Registry::with_prefix("papyra")?;
/// let metrics = Arc::new(PersistenceMetrics::default());
/// registry.register(metrics.clone(), &[("backend", "orders")])?;
/// metrics.bytes_written.add(118);
///
/// let prometheus = Prometheus::new(&registry);
/// let scrape = prometheus.scrape(Some("text/plain"));
/// assert_eq!(scrape.content_type, "text/plain; version=0.0.4; charset=utf-8");
/// assert!(scrape.body.contains(concat!(
///     "# HELP papyra_written_bytes_total Bytes written.\n",
///     "# TYPE papyra_written_bytes_total counter\n",
///     "papyra_written_bytes_total{backend=\"orders\"} 118\n",
/// )));
/// # Ok::<(), papyra_metrics_export::RegisterError>(())
/// ```
///
/// Histograms are exported as classic histograms: cumulative buckets whose bounds are inclusive and in the exported
/// unit, an exact sum, and a count. In each scrape, the count equals the bucket `+Inf`. Gauges may be floats, including
/// `NaN` and infinities.
///
/// Names and labels are prepared when backends come or go; each scrape copies them and writes the values. Metrics of
/// the same name form one family. The last values of a closed backend are part of the next scrape only, even if the
/// response to that scrape is lost. If several servers scrape the same address, set [`with_linger`](Self::with_linger),
/// so that each of them gets these values, or create one `Prometheus` for each server.
///
/// Prometheus stores floats, and rounds integers over 2⁵³. It sets the labels `instance` and `job` itself. A metric
/// without help is described by its name, because the linters of Prometheus require a description.
pub struct Prometheus {
    registry: Registry,
    /// The scraper that most scrapes use. `None` before the first scrape and after a panic. The mutex is locked while
    /// the code of backends runs, so no scrape waits for it: a scrape that finds it locked uses one of `more_scrapers`.
    scraper: Mutex<Option<Scraper>>,
    /// The scrapers for scrapes that run while `scraper` is locked, at most [`MAX_MORE_SCRAPERS`]. Locked only briefly.
    more_scrapers: Mutex<Vec<Scraper>>,
    delivery: Delivery,
    /// The problem report of this adapter. It is created when a scrape panics for the first time.
    report: OnceLock<ProblemReport>,
    /// Whether `report` contains a panic. The next successful scrape then clears the report.
    is_reported: AtomicBool,
}

/// The number of additional scrapers that are kept. Each of them contains the prepared text of all metrics, so a burst
/// of scrapes must not increase the memory of the process for good.
const MAX_MORE_SCRAPERS: usize = 3;

struct Scraper {
    reader: RegistryReader,
    /// The exposition in the text format. Reset to `None` when backends are added or removed, and prepared again by the
    /// next scrape that requests this format.
    text: Option<Exposition>,
    /// The exposition in the OpenMetrics format, which is reset and prepared again like `text`.
    open_metrics: Option<Exposition>,
    /// The length of the last response's body.
    len: usize,
}

/// The response to a scrape.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scrape {
    /// The value of the `Content-Type` header.
    pub content_type: &'static str,
    /// The text of all metrics.
    pub body: String,
}

impl Prometheus {
    /// Creates an adapter for the backends of a registry.
    pub fn new(registry: &Registry) -> Self {
        let (scraper, more_scrapers, delivery, report, is_reported) = Default::default();
        let registry = registry.clone();
        Self { registry, scraper, more_scrapers, delivery, report, is_reported }
    }

    /// Sets how long the last values of a closed backend are part of scrapes, counted from the first scrape that
    /// contains them. By default only that scrape contains them. If several servers scrape this adapter, choose a
    /// little more than the interval between their scrapes, so that each server gets the last values.
    #[must_use]
    pub fn with_linger(mut self, linger: Duration) -> Self {
        self.delivery.linger = linger;
        self
    }

    /// Answers a scrape in the format that the `Accept` header prefers. If a request has several such headers, join
    /// them by commas. Only the body and the parsed header are allocated, unless backends were added or removed.
    pub fn scrape(&self, accept: Option<&str>) -> Scrape {
        self.scrape_in(accept.map_or(Format::Text, Format::accepted))
    }

    /// Answers a scrape in this format.
    fn scrape_in(&self, format: Format) -> Scrape {
        let mut body = String::new();
        self.encode(format, &mut body);
        Scrape { content_type: format.content_type(), body }
    }

    /// Appends all metrics to `text`. If the capacity of `text` is sufficient, nothing is allocated, unless backends
    /// were added or removed.
    ///
    /// Scrapes do not wait for each other. If this crate panics, the text is unchanged, and [`Registry::problems`]
    /// reports the panic.
    pub fn encode(&self, format: Format, text: &mut String) {
        match self.scraper.try_lock() {
            Ok(mut scraper) => self.encode_with(&mut scraper, format, text),
            Err(TryLockError::Poisoned(scraper)) => {
                self.encode_with(&mut scraper.into_inner(), format, text);
            }
            Err(TryLockError::WouldBlock) => self.encode_at_the_same_time(format, text),
        }
    }

    /// Appends all metrics to `text` while another scrape runs.
    #[cold]
    fn encode_at_the_same_time(&self, format: Format, text: &mut String) {
        let mut scraper = self.more_scrapers().pop();
        self.encode_with(&mut scraper, format, text);
        self.keep(scraper);
    }

    #[inline]
    fn encode_with(&self, scraper: &mut Option<Scraper>, format: Format, text: &mut String) {
        let len = text.len();
        let result = panics::catch(|| {
            let scraper = scraper.get_or_insert_with(|| Scraper::new(&self.registry));
            scraper.reader.set_delivered(self.delivery.delivered());
            scraper.encode(format, text);
            self.delivery.mark(scraper.reader.newest());
        });
        if let Err(message) = result {
            *scraper = None;
            text.truncate(len);
            self.report_panic(&message);
        } else if self.is_reported.load(Ordering::Relaxed) {
            self.clear_report();
        }
    }

    #[cold]
    fn report_panic(&self, message: &str) {
        let message = format!("a scrape for Prometheus panicked: {message}");
        let report = self.report.get_or_init(|| self.registry.report());
        report.set(vec![Problem::new(String::new(), message)]);
        // The flag is set after the report was written. In the reverse order, another scrape could reset the flag
        // before the report is written, and the report would never be cleared.
        self.is_reported.store(true, Ordering::Release);
    }

    #[cold]
    fn clear_report(&self) {
        // The flag is reset before the report is cleared, so that a panic of another scrape in the meantime sets the
        // flag again.
        self.is_reported.store(false, Ordering::Release);
        if let Some(report) = self.report.get() {
            report.set(Vec::new());
        }
    }

    /// Keeps a scraper for later scrapes, unless enough of them are kept.
    fn keep(&self, scraper: Option<Scraper>) {
        let mut kept = self.more_scrapers();
        if kept.len() < MAX_MORE_SCRAPERS {
            kept.extend(scraper);
        }
    }

    fn more_scrapers(&self) -> MutexGuard<'_, Vec<Scraper>> {
        self.more_scrapers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Scraper {
    fn new(registry: &Registry) -> Self {
        let reader = RegistryReader::new(registry);
        Self { reader, text: None, open_metrics: None, len: 0 }
    }

    #[inline]
    fn encode(&mut self, format: Format, text: &mut String) {
        let Self { reader, text: in_text, open_metrics, len } = self;
        if reader.refresh() {
            (*in_text, *open_metrics) = (None, None);
        }
        let exposition = if format == Format::Text { in_text } else { open_metrics };
        let exposition = exposition.get_or_insert_with(|| {
            let shown = reader.series().iter().filter(|series| series.is_shown);
            Exposition::new(
                format,
                shown.map(|series| (&series.id, series.value_index, series.form)),
            )
        });
        let before = text.len();
        // A little more than the last length, because numbers may have more digits now.
        text.reserve(*len + *len / 16);
        exposition.write(reader.values(), text);
        *len = text.len() - before;
    }
}

impl fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prometheus").field("linger", &self.delivery.linger).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, OnceLock, Weak};

    use papyra_metrics::{Descriptor, Metrics, Value, Walker};

    use super::{MAX_MORE_SCRAPERS, Prometheus};
    use crate::Registry;

    /// Metrics whose reading scrapes them again, so that several scrapes run at the same time.
    #[derive(Default)]
    struct Nested {
        prometheus: OnceLock<Weak<Prometheus>>,
        scrapes: AtomicUsize,
    }

    impl Metrics for Nested {
        fn descriptors(&self) -> &[Descriptor] {
            const { &[Descriptor::counter("nested")] }
        }

        fn walk(&self, walker: &mut dyn Walker) {
            if self.scrapes.fetch_add(1, Ordering::Relaxed) < 10 {
                self.prometheus.get().and_then(Weak::upgrade).unwrap().scrape(None);
            }
            walker.instrument(&Value::Counter(7));
        }
    }

    #[test]
    fn after_many_scrapes_at_the_same_time_the_memory_of_few_is_kept() {
        let registry = Registry::new();
        let prometheus = Arc::new(Prometheus::new(&registry));
        let nested = Arc::new(Nested::default());
        nested.prometheus.set(Arc::downgrade(&prometheus)).unwrap();
        registry.register(nested.clone(), &[]).unwrap();
        assert!(prometheus.scrape(None).body.ends_with("nested_total 7\n"));
        assert_eq!(prometheus.more_scrapers().len(), MAX_MORE_SCRAPERS);
    }
}
