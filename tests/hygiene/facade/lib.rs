//! A framework that hands the metrics on, in a module.

#![no_std]

/// The metrics.
pub mod telemetry {
    #[doc(no_inline)]
    pub use papyra_metrics as metrics;
}
