//! Exports the metrics of storage backends to monitoring systems.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod error;
mod labels;
mod reader;
mod registry;
mod slot;

pub use error::{Meaning, RegisterError};
pub use labels::Labels;
pub use reader::{Reader, Reading};
pub(crate) use registry::Family;
pub use registry::{Problem, Registry};
