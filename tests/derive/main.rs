//! Tests what a struct with `#[derive(Metrics)]` does, and that generated code compiles in every scope.

mod computed;
mod example_locks;
mod expand;
mod family_values;
mod fuzz_seeds;
mod hygiene;
mod labels;
mod large_families;
mod objectives;
mod other_derives;
pub mod storage; // public, so that `missing_docs` applies to the items of the module
mod structs;
mod thousand;
