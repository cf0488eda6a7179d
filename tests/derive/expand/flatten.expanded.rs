struct LogMetrics<T> {
    /// Records appended.
    records_written: Counter,
    cache: CacheMetrics<T>,
    path: PathBuf,
}
const _: () = {
    use ::papyra_metrics::__private as __rt;
    #[automatically_derived]
    impl<T> __rt::Metrics for LogMetrics<T>
    where
        CacheMetrics<T>: __rt::DescriptorTable,
    {
        fn descriptors(&self) -> &[__rt::Descriptor] {
            <Self as __rt::DescriptorTable>::METRICS
        }
        fn __static_table(&self) -> __rt::StaticTable {
            <Self as __rt::DescriptorTable>::STATIC_TABLE
        }
        #[inline]
        fn walk(&self, __walker: &mut dyn __rt::Walker) {
            <Counter as __rt::Metric>::__walk_batch(&[&self.records_written], __walker);
            <CacheMetrics<
                T,
            > as __rt::DescriptorTable>::walk_flattened(&self.cache, __walker);
        }
    }
    #[automatically_derived]
    impl<T> __rt::DescriptorTable for LogMetrics<T>
    where
        CacheMetrics<T>: __rt::DescriptorTable,
    {
        const OWN: &'static [__rt::Descriptor] = &[
            __rt::prefixed(
                (__rt::descriptor)(
                        "log_records_written",
                        <Counter as __rt::Metric>::NUMBER,
                    )
                    .with_help("Records appended."),
                4usize,
            ),
        ];
        const FLATTENED: &'static [__rt::Flattened] = &[
            __rt::Flattened {
                at: 1usize,
                field: "cache",
                prefix: "log_cache_",
                labels: &[],
                metrics: (__rt::flattened_metrics)(
                    <CacheMetrics<T> as __rt::DescriptorTable>::DECLARED,
                ),
            },
        ];
        const COMPOSED: &'static [__rt::Descriptor] = __rt::SizeClasses::<Self>::METRICS;
        const METRICS: &'static [__rt::Descriptor] = {
            (__rt::assert_flattens::<Self>)(0usize);
            Self::COMPOSED
        };
    }
    #[automatically_derived]
    impl<T> __rt::SharedMemorySafe for LogMetrics<T>
    where
        CacheMetrics<T>: __rt::DescriptorTable,
        for<'__use> Counter: __rt::SharedMemorySafe,
        for<'__use> CacheMetrics<T>: __rt::SharedMemorySafe,
        for<'__use> __rt::SkippedField: __rt::SharedMemorySafe,
    {
        fn __metrics() -> &'static [__rt::Descriptor] {
            <Self as __rt::DescriptorTable>::METRICS
        }
    }
};
