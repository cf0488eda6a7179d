//! The engine with the instruments of other crates, each of them in the places of the engine's own.

#[macro_use]
pub(crate) mod engine_of;

pub(crate) mod facade;
pub(crate) mod fastmetrics;
pub(crate) mod measured;
pub(crate) mod prometheus;
pub(crate) mod prometheus_client;
