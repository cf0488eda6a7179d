//! Exports the metrics of storage backends to monitoring systems.
//!
//! Backends count in structs of their own, by `papyra-metrics`, and know nothing of this crate. The application
//! owns a [`Registry`], registers an `Arc` of each backend's metrics with labels, and gives the registry to one
//! adapter or several:
//!
//! | feature | adapter | brings |
//! |---|---|---|
//! | `prometheus` | [`prometheus::Prometheus`]: the text format and OpenMetrics, for any HTTP framework or none | `httparse`, `itoa`, `mio` |
//! | `opentelemetry` | [`opentelemetry::OpenTelemetry`]: observable instruments on a `Meter` | `opentelemetry` 0.33, the API alone |
//! | `statsd` | [`statsd::StatsD`]: deltas and levels in datagrams, to StatsD or DogStatsD | nothing |
//! | `metrics` | [`metrics::Facade`]: any recorder of the `metrics` facade | `metrics` 0.24 |
//! | `tokio` | [`PeriodicTask`], beside the thread of [`Periodic`], for what has to be sent again and again | `tokio` |
//!
//! No feature is on by default; the registry itself brings `boxcar` and `smallvec`. For any other system, a [`RegistryReader`] gives names, labels and values.
//!
//! ```
//! use papyra_metrics::persistence::PersistenceMetrics;
//! use papyra_metrics_export::Registry;
//! use std::sync::Arc;
//!
//! let registry = Registry::with_prefix("papyra")?;
//! let metrics = Arc::new(PersistenceMetrics::default());
//! registry.register(metrics.clone(), &[("backend", "orders")])?;
//! metrics.records_written.inc();
//!
//! # #[cfg(feature = "prometheus")] {
//! use papyra_metrics_export::prometheus::Prometheus;
//!
//! let scrape = Prometheus::new(&registry).scrape(None);
//! assert!(scrape.body.contains("papyra_records_written_total{backend=\"orders\"} 1\n"));
//! # }
//! # Ok::<(), papyra_metrics_export::RegisterError>(())
//! ```
//!
//! The guide in the repository (`docs/guide/exporting.md`) has a chapter on each adapter.
//!
//! # What every adapter keeps to
//!
//! - It reads lifetime totals, so no reset is seen by anybody, and no receiver ever sees a counter fall.
//! - What a receiver adds up is what was counted, over resets, backends that are closed and opened again, and
//!   receivers that are away for a while. Where a system cannot keep that, its adapter says so.
//! - It never makes counting wait, and a backend that panics while it is read takes no other with it:
//!   [`Registry::problems`] tells.
//! - A metric has one name everywhere: the registry's prefix, then the backend's name for it with the unit at the
//!   end. Prometheus and the `metrics` facade end a counter's samples in `_total`; OpenTelemetry keeps the unit
//!   apart.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
// Each adapter needs its part of what the registry knows.
#![cfg_attr(
    not(all(feature = "prometheus", feature = "opentelemetry", feature = "statsd")),
    allow(dead_code)
)]

mod cell;
mod error;
mod family;
mod labels;
mod last_error;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "opentelemetry")]
pub mod opentelemetry;
mod panics;
mod periodic;
mod problems;
#[cfg(feature = "prometheus")]
pub mod prometheus;
mod reader;
mod registry;
mod slot;
#[cfg(feature = "statsd")]
pub mod statsd;
mod take;
mod worker;

pub use error::{MetricDefinition, RegisterError};
pub use labels::Labels;
#[cfg(feature = "tokio")]
pub use periodic::PeriodicTask;
pub use periodic::{Export, Periodic, Progress};
pub use reader::{RegistryReader, Sample};
pub use registry::{Problem, Registry};
