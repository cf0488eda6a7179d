//! The engine as it is.

#[path = "../../examples/engine/metrics.rs"]
pub(crate) mod metrics;

include!("engine.rs");
