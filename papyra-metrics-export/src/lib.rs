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
#[cfg(feature = "prometheus")]
pub mod prometheus;
mod reader;
mod registry;
mod slot;

pub use error::{Meaning, RegisterError};
pub use labels::Labels;
pub use reader::{Reader, Reading};
pub use registry::{Problem, Registry};
