//! The engine with its own metrics, but without sampling: every call is timed.

pub(crate) mod metrics {
    pub(crate) use papyra_metrics_engine_bench_attributes::every_call as metrics;

    pub(crate) use crate::ours::metrics::{
        BlockReader, ErrorKind, FilterResult, Level, Op, SharedMetrics,
    };
}

include!("engine.rs");
