struct LogMetrics<T> {
    /// Records appended.
    records_written: Counter,
    cache: CacheMetrics<T>,
    path: PathBuf,
}
const _: () = {
    #[automatically_derived]
    impl<T> ::papyra_metrics::__private::Metrics for LogMetrics<T>
    where
        CacheMetrics<T>: ::papyra_metrics::__private::DescriptorTable,
    {
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
            <Counter as ::papyra_metrics::__private::Metric>::__walk_batch(
                &[&self.records_written],
                __walker,
            );
            <CacheMetrics<
                T,
            > as ::papyra_metrics::__private::DescriptorTable>::walk_flattened(
                &self.cache,
                __walker,
            );
        }
    }
    #[automatically_derived]
    impl<T> ::papyra_metrics::__private::DescriptorTable for LogMetrics<T>
    where
        CacheMetrics<T>: ::papyra_metrics::__private::DescriptorTable,
    {
        const OWN: &'static [::papyra_metrics::__private::Descriptor] = &[
            ::papyra_metrics::__private::prefixed(
                ::papyra_metrics::__private::Descriptor::new(
                        "log_records_written",
                        <Counter as ::papyra_metrics::__private::Metric>::KIND,
                    )
                    .with_help("Records appended."),
                4usize,
            ),
        ];
        const FLATTENED: &'static [::papyra_metrics::__private::Flattened] = &[
            ::papyra_metrics::__private::Flattened {
                at: 1usize,
                field: "cache",
                prefix: "log_cache_",
                labels: &[],
                metrics: (::papyra_metrics::__private::flattened_metrics)(
                    <CacheMetrics<
                        T,
                    > as ::papyra_metrics::__private::DescriptorTable>::DECLARED,
                ),
            },
        ];
        const COMPOSED: &'static [::papyra_metrics::__private::Descriptor] = ::papyra_metrics::__private::SizeClasses::<
            Self,
        >::METRICS;
        const METRICS: &'static [::papyra_metrics::__private::Descriptor] = {
            (::papyra_metrics::__private::assert_flattens::<Self>)(0usize);
            Self::COMPOSED
        };
    }
    #[automatically_derived]
    impl<T> ::papyra_metrics::__private::SharedMemorySafe for LogMetrics<T>
    where
        for<'__use> Counter: ::papyra_metrics::__private::SharedMemorySafe,
        for<'__use> CacheMetrics<T>: ::papyra_metrics::__private::SharedMemorySafe,
        for<'__use> ::papyra_metrics::__private::SkippedField: ::papyra_metrics::__private::SharedMemorySafe,
    {
        fn __sealed() {}
    }
    #[automatically_derived]
    impl<T> ::papyra_metrics::__private::Publishable for LogMetrics<T>
    where
        CacheMetrics<T>: ::papyra_metrics::__private::DescriptorTable,
        for<'__use> LogMetrics<T>: ::papyra_metrics::__private::SharedMemorySafe,
    {
        fn __metrics() -> &'static [::papyra_metrics::__private::Descriptor] {
            ::papyra_metrics::__private::published_metrics::<Self>()
        }
    }
};
