#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogCounts {
    /// Records appended.
    pub records_written: u64,
    pub write_errors: u64,
    pub open_segments: i64,
}
pub struct LogMetrics {
    /// Records appended.
    pub records_written: ::papyra_metrics::__private::Counter,
    pub write_errors: ::papyra_metrics::__private::Counter,
    pub open_segments: ::papyra_metrics::__private::Gauge,
}
const _: () = {
    use ::papyra_metrics::__private as __rt;
    #[automatically_derived]
    impl __rt::Metrics for LogMetrics {
        fn descriptors(&self) -> &[__rt::Descriptor] {
            <Self as __rt::DescriptorTable>::METRICS
        }
        fn __static_table(&self) -> __rt::StaticTable {
            <Self as __rt::DescriptorTable>::STATIC_TABLE
        }
        #[inline]
        fn walk(&self, __walker: &mut dyn __rt::Walker) {
            <__rt::Counter as __rt::Metric>::__walk_batch(
                &[&self.records_written, &self.write_errors],
                __walker,
            );
            <__rt::Gauge as __rt::Metric>::__walk_batch(
                &[&self.open_segments],
                __walker,
            );
        }
    }
    #[automatically_derived]
    impl __rt::DescriptorTable for LogMetrics {
        const OWN: &'static [__rt::Descriptor] = &[
            (__rt::descriptor)(
                    "records_written",
                    <__rt::Counter as __rt::Metric>::NUMBER,
                )
                .with_help("Records appended."),
            (__rt::descriptor)("write_errors", <__rt::Counter as __rt::Metric>::NUMBER)
                .into_error_counter(),
            (__rt::descriptor)("open_segments", <__rt::Gauge as __rt::Metric>::NUMBER),
        ];
    }
    #[automatically_derived]
    impl<__E: ?::core::marker::Sized> __rt::ErrorCounter<__E> for LogMetrics {
        #[inline]
        fn count_error(_: &__E, __metrics: &Self) {
            <__rt::Counter as __rt::Inc>::inc(&__metrics.write_errors);
        }
    }
    #[automatically_derived]
    impl __rt::SharedMemorySafe for LogMetrics
    where
        for<'__use> __rt::Counter: __rt::SharedMemorySafe,
        for<'__use> __rt::Gauge: __rt::SharedMemorySafe,
    {
        fn __metrics() -> &'static [__rt::Descriptor] {
            <Self as __rt::DescriptorTable>::METRICS
        }
    }
    impl LogMetrics {
        /// Creates a [`LogMetrics`] in which every metric is zero.
        #[must_use]
        pub const fn new() -> Self {
            Self {
                records_written: <__rt::Counter as __rt::Zero>::ZERO,
                write_errors: <__rt::Counter as __rt::Zero>::ZERO,
                open_segments: <__rt::Gauge as __rt::Zero>::ZERO,
            }
        }
        /// Returns the current values as a [`LogCounts`]. Counters and histograms count since the last reset.
        #[must_use]
        pub fn read(&self) -> LogCounts {
            LogCounts {
                records_written: __rt::PlainValue::read(&self.records_written),
                write_errors: __rt::PlainValue::read(&self.write_errors),
                open_segments: __rt::PlainValue::read(&self.open_segments),
            }
        }
    }
    #[automatically_derived]
    impl ::core::default::Default for LogMetrics {
        fn default() -> Self {
            Self::new()
        }
    }
    #[automatically_derived]
    impl ::core::fmt::Debug for LogMetrics {
        fn fmt(&self, __f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            __rt::debug(
                __f,
                "LogMetrics",
                &[
                    ("records_written", &self.records_written),
                    ("write_errors", &self.write_errors),
                    ("open_segments", &self.open_segments),
                ],
            )
        }
    }
    #[automatically_derived]
    impl __rt::HasStorage for LogCounts {
        type Storage = LogMetrics;
        const NEW: Self::Storage = LogMetrics::new();
        fn read(__storage: &Self::Storage) -> Self {
            LogMetrics::read(__storage)
        }
        fn values(&self, __visitor: &mut dyn ::core::ops::FnMut(__rt::Value)) {
            __rt::ShowPlain::show(&self.records_written, __visitor);
            __rt::ShowPlain::show(&self.write_errors, __visitor);
            __rt::ShowPlain::show(&self.open_segments, __visitor);
        }
    }
    #[automatically_derived]
    impl ::core::convert::From<&LogCounts> for __rt::PlainSnapshot {
        fn from(__plain: &LogCounts) -> Self {
            __rt::plain_snapshot(__plain)
        }
    }
};
