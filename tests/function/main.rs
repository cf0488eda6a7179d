//! `#[metrics(…)]` on functions: what is counted, and that the function is otherwise unchanged.

mod cancelled;
mod common;
mod drop_order;
mod futures;
mod kinds;
mod lints;
mod lookup;
mod macros;
mod sync;
mod time;
