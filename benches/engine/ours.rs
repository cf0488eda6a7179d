//! The engine with its own metrics, unchanged.

#[path = "../../examples/engine/metrics.rs"]
pub(crate) mod metrics;

include!("engine.rs");
