//! `#[derive(Metrics)]`: what a derived struct does, and that it compiles in every scope.

mod beside_others;
mod computed;
mod example_locks;
mod expand;
mod fuzz_seeds;
mod hygiene;
mod labels;
mod large_families;
mod objectives;
pub mod storage; // so that its items are public, and their documentation required
mod structs;
mod thousand;
