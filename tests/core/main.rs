//! Tests the public API of the crate `papyra-metrics`: instruments, readings, and the costs of both.

mod assembly;
mod assert_delta;
mod costs;
mod histogram;
mod instruments;
mod isolation;
mod labels;
mod library;
mod metered;
mod no_std;
mod nothing_lost;
mod persistence;
mod serde;
mod snapshot;
mod tree;
mod walk;
