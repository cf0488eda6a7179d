//! Tests what `#[metrics(…)]` on a function counts, and that the attribute changes nothing else about the function.

mod cancelled;
mod common;
mod drop_order;
mod futures;
mod indices;
mod kinds;
mod kinds_by_shape;
mod lints;
mod lookup;
mod macros;
mod sync;
mod time;
