//! The engine with the instruments of other crates in place of its own, in one module for each crate.

#[macro_use]
pub(crate) mod engine_of;

pub(crate) mod facade;
pub(crate) mod fastmetrics;
pub(crate) mod measured;
pub(crate) mod prometheus;
pub(crate) mod prometheus_client;
