//! Exports the metrics of storage backends to monitoring systems.
//!
//! Backends count in their own structs, with `papyra-metrics`, and do not depend on this crate. The application owns a
//! [`Registry`], registers an `Arc` of each backend's metrics with labels, and gives the registry to one or more
//! adapters:
//!
//! | feature | adapter | dependencies |
//! |---|---|---|
//! | `prometheus` | [`prometheus::Prometheus`]: the text format and OpenMetrics, for any HTTP framework or none | `httparse`, `itoap`, `mio`, `socket2` |
//! | `opentelemetry` | [`opentelemetry::OpenTelemetry`]: instruments on a `Meter` | `opentelemetry` 0.33, the API alone |
//! | `otlp` | [`otlp::Otlp`]: messages for an OpenTelemetry collector, over HTTP or as bytes | `httpdate`, `opentelemetry-proto` 0.33, `prost`, `ureq` |
//! | `statsd` | [`statsd::StatsD`]: datagrams for a StatsD or DogStatsD server | none |
//! | `metrics` | [`metrics::Facade`]: any recorder of the `metrics` facade | `metrics` 0.24 |
//! | `dashboard` | [`schema::Dashboard`]: a Grafana dashboard of the declared metrics | `serde`, `serde_json` |
//! | `publish` | [`schema::Schema::of_published`]: the metrics that a published file declares | `papyra-metrics/publish` |
//! | `tokio` | [`PeriodicTask`]: exports at an interval in a tokio task, as [`Periodic`] does in a thread | `tokio` |
//!
//! No feature is on by default. Without features, the only dependency besides `papyra-metrics` is `rustc-hash`. For any
//! other system, a [`RegistryReader`] gives names, labels and values. A library that registers metrics itself, but
//! leaves the export to the application, depends on `papyra-metrics` alone and takes a [`papyra_metrics::Register`],
//! which [`Registry`] implements.
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
//! # What all adapters have in common
//!
//! - They read lifetime totals: no reader sees a reset, and no receiver sees a counter fall as long as the registry
//!   remembers the closed backends ([`Registry::set_closed_retention`]).
//! - The increments that a receiver adds up equal those that were counted, even if metrics are reset, a backend is
//!   closed and opened again, or the receiver is unavailable for a while. If a monitoring system cannot guarantee this,
//!   the documentation of its adapter says so.
//! - They never block counting. A backend that panics while it is read does not affect the others;
//!   [`Registry::problems`] reports it.
//! - A metric has the same name everywhere: the registry's prefix, the backend's name for the metric, and the unit.
//!   Only the notation differs. Prometheus and the `metrics` facade add `_total` to a counter. OpenTelemetry and OTLP
//!   omit the unit and send it separately. OpenTelemetry, OTLP and StatsD keep the dots of the prefix; elsewhere the
//!   dots become underscores.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
// With only some of the adapters enabled, parts of the shared code are unused.
#![cfg_attr(
    not(all(feature = "prometheus", feature = "opentelemetry", feature = "statsd")),
    allow(dead_code)
)]

mod baseline;
mod decimal;
mod error;
#[cfg(feature = "metrics")]
mod facade;
mod family;
mod labels;
mod last_error;
#[cfg(feature = "opentelemetry")]
pub mod opentelemetry;
#[cfg(any(feature = "opentelemetry", feature = "otlp"))]
mod otel_naming;
#[cfg(feature = "otlp")]
pub mod otlp;
mod panics;
mod periodic;
#[cfg(feature = "prometheus")]
pub mod prometheus;
mod reader;
mod registry;
#[cfg(any(feature = "metrics", feature = "opentelemetry", feature = "statsd"))]
mod replay;
pub mod schema;
mod series;
#[cfg(feature = "statsd")]
pub mod statsd;
mod worker;

/// The `metrics` facade: values go to the recorder that the application has installed.
#[cfg(feature = "metrics")]
pub mod metrics {
    pub use crate::facade::Facade;
}

pub use error::{MetricDefinition, RegisterError};
pub use labels::Labels;
#[cfg(feature = "tokio")]
pub use periodic::PeriodicTask;
pub use periodic::{Export, Periodic, Progress};
pub use reader::{RegistryReader, Sample};
pub use registry::{Problem, Registered, Registry};
