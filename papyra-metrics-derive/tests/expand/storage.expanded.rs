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
    #[automatically_derived]
    impl ::papyra_metrics::__private::Metrics for LogMetrics {
        fn descriptors(&self) -> &[::papyra_metrics::__private::Descriptor] {
            <Self as ::papyra_metrics::__private::DescriptorTable>::METRICS
        }
        fn static_descriptors(
            &self,
        ) -> ::core::option::Option<&'static [::papyra_metrics::__private::Descriptor]> {
            ::core::option::Option::Some(
                <Self as ::papyra_metrics::__private::DescriptorTable>::METRICS,
            )
        }
        #[inline]
        fn __has_static_keys(&self) -> ::core::primitive::bool {
            const {
                ::papyra_metrics::__private::all_have_keys(
                    <Self as ::papyra_metrics::__private::DescriptorTable>::METRICS,
                )
            }
        }
        #[inline]
        fn walk(&self, __walker: &mut dyn ::papyra_metrics::__private::Walker) {
            <::papyra_metrics::__private::Counter as ::papyra_metrics::__private::Metric>::__walk_batch(
                &[&self.records_written, &self.write_errors],
                __walker,
            );
            <::papyra_metrics::__private::Gauge as ::papyra_metrics::__private::Metric>::__walk_batch(
                &[&self.open_segments],
                __walker,
            );
        }
    }
    #[automatically_derived]
    impl ::papyra_metrics::__private::DescriptorTable for LogMetrics {
        const OWN: &'static [::papyra_metrics::__private::Descriptor] = &[
            ::papyra_metrics::__private::Descriptor::new(
                    "records_written",
                    <::papyra_metrics::__private::Counter as ::papyra_metrics::__private::Metric>::KIND,
                )
                .with_help("Records appended."),
            ::papyra_metrics::__private::Descriptor::new(
                    "write_errors",
                    <::papyra_metrics::__private::Counter as ::papyra_metrics::__private::Metric>::KIND,
                )
                .as_error_counter(),
            ::papyra_metrics::__private::Descriptor::new(
                "open_segments",
                <::papyra_metrics::__private::Gauge as ::papyra_metrics::__private::Metric>::KIND,
            ),
        ];
    }
    #[automatically_derived]
    impl<__E: ?::core::marker::Sized> ::papyra_metrics::__private::ErrorCounter<__E>
    for LogMetrics {
        #[inline]
        fn count_error(_: &__E, __metrics: &Self) {
            <::papyra_metrics::__private::Counter as ::papyra_metrics::__private::Inc>::inc(
                &__metrics.write_errors,
            );
        }
    }
    #[automatically_derived]
    impl ::papyra_metrics::__private::SharedMemorySafe for LogMetrics
    where
        for<'__use> ::papyra_metrics::__private::Counter: ::papyra_metrics::__private::SharedMemorySafe,
        for<'__use> ::papyra_metrics::__private::Gauge: ::papyra_metrics::__private::SharedMemorySafe,
    {
        fn __sealed() {}
    }
    #[automatically_derived]
    impl ::papyra_metrics::__private::Publishable for LogMetrics
    where
        for<'__use> LogMetrics: ::papyra_metrics::__private::SharedMemorySafe,
    {
        fn __metrics() -> &'static [::papyra_metrics::__private::Descriptor] {
            ::papyra_metrics::__private::published_metrics::<Self>()
        }
    }
    impl LogMetrics {
        /// A [`LogMetrics`] with everything at zero.
        #[must_use]
        pub const fn new() -> Self {
            Self {
                records_written: <::papyra_metrics::__private::Counter as ::papyra_metrics::__private::Zero>::ZERO,
                write_errors: <::papyra_metrics::__private::Counter as ::papyra_metrics::__private::Zero>::ZERO,
                open_segments: <::papyra_metrics::__private::Gauge as ::papyra_metrics::__private::Zero>::ZERO,
            }
        }
        /// The values now, since the last reset, as a [`LogCounts`].
        #[must_use]
        pub fn read(&self) -> LogCounts {
            LogCounts {
                records_written: ::papyra_metrics::__private::PlainValue::read(
                    &self.records_written,
                ),
                write_errors: ::papyra_metrics::__private::PlainValue::read(
                    &self.write_errors,
                ),
                open_segments: ::papyra_metrics::__private::PlainValue::read(
                    &self.open_segments,
                ),
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
            ::papyra_metrics::__private::debug(
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
    impl ::papyra_metrics::__private::HasStorage for LogCounts {
        type Storage = LogMetrics;
        const NEW: Self::Storage = LogMetrics::new();
        fn read(__storage: &Self::Storage) -> Self {
            LogMetrics::read(__storage)
        }
        fn values(
            &self,
            __visitor: &mut dyn ::core::ops::FnMut(::papyra_metrics::__private::Value),
        ) {
            ::papyra_metrics::__private::ShowPlain::show(
                &self.records_written,
                __visitor,
            );
            ::papyra_metrics::__private::ShowPlain::show(&self.write_errors, __visitor);
            ::papyra_metrics::__private::ShowPlain::show(&self.open_segments, __visitor);
        }
    }
    #[automatically_derived]
    impl ::core::convert::From<&LogCounts>
    for ::papyra_metrics::__private::PlainSnapshot {
        fn from(__plain: &LogCounts) -> Self {
            ::papyra_metrics::__private::plain_snapshot(__plain)
        }
    }
};
