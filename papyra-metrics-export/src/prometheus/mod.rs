//! Prometheus: the text formats that it scrapes, and what answers a scrape.
//!
//! [`Prometheus`] turns an `Accept` header into a content type and a body, which is all that an HTTP framework
//! needs to answer a scrape; [`serve`] is for applications that have none. [`encode`] writes metrics that are in
//! no registry.

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

/// Answers the scrapes of one Prometheus, in the format that it asks for.
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
/// Histograms are classic ones: cumulative buckets whose bounds are inclusive and in the exported unit, an exact sum, and
/// a count that is that of the bucket `+Inf` in each scrape. Gauges may be floats, `NaN` and infinities included.
///
/// Names and labels are prepared when backends come or go; each scrape copies them and writes the values. Backends
/// of one type form one family. A backend that is gone is in the next scrape for the last time, whether or not that
/// answer arrives. If several servers scrape the same address, [`with_linger`](Self::with_linger) shows it to each of them; or
/// each server gets its own `Prometheus`.
///
/// Prometheus stores floats, and rounds integers over 2⁵³. It sets the labels `instance` and `job` itself. A metric
/// without help is described by its name, because the linters of Prometheus require a description.
pub struct Prometheus {
    registry: Registry,
    /// The scraper that most scrapes use. `None` before the first scrape and after a panic. It is locked while the code of
    /// backends runs, so nothing waits for it: a scrape that finds it locked uses another scraper.
    scraper: Mutex<Option<Scraper>>,
    /// The scrapers of scrapes that overlapped with another one. Locked only for moments.
    more_scrapers: Mutex<Vec<Scraper>>,
    delivery: Delivery,
    /// The report of scrapes that panicked, once there was one.
    report: OnceLock<ProblemReport>,
    /// Whether the report has to be cleared by the next scrape that succeeds.
    is_reported: AtomicBool,
}

struct Scraper {
    reader: RegistryReader,
    /// Each format that was requested since backends last came or went.
    text: Option<Exposition>,
    open_metrics: Option<Exposition>,
    /// The length of the last body.
    len: usize,
}

/// The answer to a scrape.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scrape {
    /// The value of the header `Content-Type`.
    pub content_type: &'static str,
    /// The metrics.
    pub body: String,
}

impl Prometheus {
    /// Creates an adapter that answers for the backends of this registry.
    pub fn new(registry: &Registry) -> Self {
        let (scraper, more_scrapers, delivery, report, is_reported) = Default::default();
        let registry = registry.clone();
        Self { registry, scraper, more_scrapers, delivery, report, is_reported }
    }

    /// Shows a backend that is gone for so long after the first scrape that found it gone, instead of in that scrape
    /// alone. One interval between scrapes, or a little more, lets each of several servers see it.
    #[must_use]
    pub fn with_linger(mut self, linger: Duration) -> Self {
        self.delivery.linger = linger;
        self
    }

    /// Answers a scrape in the format that the `Accept` header asks for; several such headers are joined by commas.
    /// Allocates the body, once.
    pub fn scrape(&self, accept: Option<&str>) -> Scrape {
        let format = accept.map_or(Format::Text, Format::accepted);
        let mut body = String::new();
        self.encode(format, &mut body);
        Scrape { content_type: format.content_type(), body }
    }

    /// Appends all metrics to the text. If the text has room for them, nothing is allocated unless backends come or go.
    ///
    /// Scrapes do not wait for each other. A panic in this crate leaves the text as it was, and is reported by
    /// [`Registry::problems`].
    pub fn encode(&self, format: Format, text: &mut String) {
        match self.scraper.try_lock() {
            Ok(mut scraper) => self.encode_with(&mut scraper, format, text),
            Err(TryLockError::Poisoned(scraper)) => {
                self.encode_with(&mut scraper.into_inner(), format, text);
            }
            Err(TryLockError::WouldBlock) => {
                let mut scraper = self.more_scrapers().pop();
                self.encode_with(&mut scraper, format, text);
                self.more_scrapers().extend(scraper);
            }
        }
    }

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
        // After the report: a report without this flag would never be cleared.
        self.is_reported.store(true, Ordering::Release);
    }

    #[cold]
    fn clear_report(&self) {
        // Before the report is cleared, so that one that is written in the meantime sets the flag again.
        self.is_reported.store(false, Ordering::Release);
        if let Some(report) = self.report.get() {
            report.set(Vec::new());
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

    fn encode(&mut self, format: Format, text: &mut String) {
        let Self { reader, text: in_text, open_metrics, len } = self;
        if reader.refresh() {
            (*in_text, *open_metrics) = (None, None);
        }
        let exposition = if format == Format::Text { in_text } else { open_metrics };
        let exposition = exposition.get_or_insert_with(|| {
            let shown = reader.series().iter().filter(|series| series.is_shown);
            Exposition::new(format, shown.map(|series| (&series.id, series.place, series.form)))
        });
        let before = text.len();
        // A little more than last time, for numbers that have grown.
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
