//! Wrappers that add metrics to embedded databases. The code of the databases is not changed. Each wrapper is one file with the
//! metrics, the conversion of errors to kinds, and the operations that the application needs. These commands run the
//! wrappers:
//!
//! - `cargo run -p papyra-metrics-wrapped-examples --bin wrapped_redb`: [`redb_store`].
//! - `cargo run -p papyra-metrics-wrapped-examples --bin wrapped_fjall`: [`fjall_store`].

// Examples need no sections on errors and panics in their docs.
#![allow(clippy::missing_errors_doc, clippy::missing_panics_doc)]

pub mod error_kind;
pub mod fjall_store;
pub mod load;
pub mod redb_store;
