//! Exports the metrics of storage backends to monitoring systems.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
// Each adapter needs its part of what the registry knows.
#![cfg_attr(
    not(all(feature = "prometheus", feature = "opentelemetry", feature = "statsd")),
    allow(dead_code)
)]

mod error;
mod family;
mod labels;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "opentelemetry")]
pub mod opentelemetry;
mod periodic;
#[cfg(feature = "prometheus")]
pub mod prometheus;
mod reader;
mod registry;
mod slot;
#[cfg(feature = "statsd")]
pub mod statsd;

pub use error::{Meaning, RegisterError};
pub use labels::Labels;
#[cfg(feature = "tokio")]
pub use periodic::PeriodicTask;
pub use periodic::{Export, Periodic, Progress};
pub use reader::{Reader, Reading};
pub use registry::{Problem, Registry};
