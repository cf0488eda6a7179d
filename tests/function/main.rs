//! `#[metrics(…)]` on functions: what is counted, and that the function is otherwise unchanged.

mod futures;
mod lints;
mod lookup;
mod macros;
mod sync;
