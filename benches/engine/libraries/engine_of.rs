//! A macro that adapts the instruments of another crate to the engine.

/// Defines the engine's module `metrics`, and instruments that wrap the instruments of another crate. For each wrapped
/// instrument, the macro takes the type, an expression that creates the instrument, and an expression for each method. A
/// histogram is created from its bounds and records floats.
macro_rules! engine_of {
    (
        counter: $counter:ty = $new_counter:expr,
            add($add_to:ident, $added:ident) $add:expr;
        gauge: $gauge:ty = $new_gauge:expr,
            add($increased:ident, $increase_by:ident) $increase:expr,
            sub($decreased:ident, $decrease_by:ident) $decrease:expr,
            set($set:ident, $level:ident) $set_level:expr;
        histograms: $($buckets:ident($histogram:ty)),+ = ($bounds:ident) $new_histogram:expr,
            record($record_in:ident, $value:ident) $record:expr;
    ) => {
        pub(crate) mod metrics {
            pub(crate) use papyra_metrics_engine_bench_attributes::every_call as metrics;

            pub(crate) use crate::ours::metrics::{
                BlockReader, ErrorKind, FilterResult, Level, Op,
            };

            pub(crate) type SharedMetrics =
                std::sync::Arc<crate::declaration::EngineMetrics<super::Instruments>>;
        }

        #[derive(Default)]
        pub(crate) struct Instruments;

        impl crate::declaration::Library for Instruments {
            type Counter = Counter;
            type Gauge = Gauge;
            $(type $buckets = $buckets;)+
        }

        pub(crate) struct Counter($counter);

        impl Default for Counter {
            fn default() -> Self {
                Self($new_counter)
            }
        }

        impl Counter {
            fn add(&self, $added: u64) {
                let $add_to = &self.0;
                $add;
            }

            fn inc(&self) {
                self.add(1);
            }
        }

        impl papyra_metrics::Inc for Counter {
            fn inc(&self) {
                self.add(1);
            }
        }

        pub(crate) struct Gauge($gauge);

        impl Default for Gauge {
            fn default() -> Self {
                Self($new_gauge)
            }
        }

        impl Gauge {
            fn add(&self, n: impl papyra_metrics::GaugeInteger) {
                let ($increased, $increase_by) = (&self.0, n.into_gauge());
                $increase;
            }

            fn sub(&self, n: impl papyra_metrics::GaugeInteger) {
                let ($decreased, $decrease_by) = (&self.0, n.into_gauge());
                $decrease;
            }

            fn set(&self, n: impl papyra_metrics::GaugeInteger) {
                let ($set, $level) = (&self.0, n.into_gauge());
                $set_level;
            }
        }

        $(
            pub(crate) struct $buckets($histogram);

            impl Default for $buckets {
                fn default() -> Self {
                    let $bounds = crate::declaration::bounds::<papyra_metrics::$buckets>();
                    Self($new_histogram)
                }
            }

            impl $buckets {
                #[allow(clippy::cast_precision_loss)] // sizes are small enough
                fn record(&self, value: u64) {
                    self.observe(value as f64);
                }

                fn observe(&self, $value: f64) {
                    let $record_in = &self.0;
                    $record;
                }
            }

            impl papyra_metrics::RecordDuration for $buckets {
                fn record_duration(&self, duration: std::time::Duration, _: u64) {
                    self.observe(duration.as_secs_f64());
                }
            }
        )+

        crate::libraries::engine_of::members!(Counter, Gauge, $($buckets),+);
    };
}

/// Implements [`Member`](papyra_metrics::Member) for instruments, so that a family of them is an array.
macro_rules! members {
    ($($instrument:ty),+) => {$(
        impl papyra_metrics::Member for $instrument {
            type Storage<L: papyra_metrics::Label> = L::Members<Self>;
        }
    )+};
}
pub(crate) use members;
