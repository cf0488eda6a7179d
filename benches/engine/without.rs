//! The engine without metrics: its functions are not measured, and its instruments are empty.

pub(crate) mod metrics {
    use papyra_metrics::GaugeInteger;
    pub(crate) use papyra_metrics_engine_bench_attributes::unmeasured as metrics;

    pub(crate) use crate::ours::metrics::{BlockReader, ErrorKind, FilterResult, Level, Op};

    /// A counter or histogram without data, whose methods do nothing.
    #[derive(Default)]
    pub(crate) struct Nothing;

    #[allow(clippy::unused_self)] // the methods have the signatures of real instruments
    impl Nothing {
        pub(crate) fn inc(&self) {}
        pub(crate) fn add(&self, _: u64) {}
        pub(crate) fn record(&self, _: u64) {}
    }

    #[derive(Default)]
    pub(crate) struct NoGauge;

    #[allow(clippy::unused_self)] // the methods have the signatures of real instruments
    impl NoGauge {
        pub(crate) fn add(&self, _: impl GaugeInteger) {}
        pub(crate) fn sub(&self, _: impl GaugeInteger) {}
        pub(crate) fn set(&self, _: impl GaugeInteger) {}
    }

    crate::libraries::engine_of::members!(Nothing, NoGauge);

    #[derive(Default)]
    pub(crate) struct NoMetrics;

    impl crate::declaration::Library for NoMetrics {
        type Counter = Nothing;
        type Gauge = NoGauge;
        type Latency = Nothing;
        type FineLatency = Nothing;
        type Sizes = Nothing;
    }

    pub(crate) type SharedMetrics = std::sync::Arc<crate::declaration::EngineMetrics<NoMetrics>>;
}

include!("engine.rs");
