//! A second build of the engine without metrics, which shows how much two equal builds differ.

pub(crate) mod metrics {
    pub(crate) use papyra_metrics_engine_bench_attributes::unmeasured as metrics;

    pub(crate) use crate::ours::metrics::{BlockReader, ErrorKind, FilterResult, Level, Op};
    pub(crate) use crate::without::metrics::SharedMetrics;
}

include!("engine.rs");
