//! `#[derive(Metrics)]`: what a derived struct does, and that it compiles in every scope.

mod computed;
mod example_locks;
mod expand;
mod fuzz_seeds;
mod hygiene;
mod labels;
mod large_families;
mod objectives;
mod other_derives;
pub mod storage; // so that its items are public, and `missing_docs` applies to them
mod structs;
mod thousand;
