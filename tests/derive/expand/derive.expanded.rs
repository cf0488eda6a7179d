/// The metrics of the order log.
#[derive(Debug, Default)]
pub struct LogMetrics {
    /// Records appended.
    records_written: Counter,
    /// Payload bytes appended.
    bytes_written: Counter,
    /// Appends that returned an error.
    write_errors: Counter,
    /// Segment files open now.
    open_segments: Gauge,
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
            <Counter as __rt::Metric>::__walk_batch(
                &[&self.records_written, &self.bytes_written, &self.write_errors],
                __walker,
            );
            <Gauge as __rt::Metric>::__walk_batch(&[&self.open_segments], __walker);
        }
    }
    #[automatically_derived]
    impl __rt::DescriptorTable for LogMetrics {
        const OWN: &'static [__rt::Descriptor] = &[
            (__rt::descriptor)("records_written", <Counter as __rt::Metric>::NUMBER)
                .with_help("Records appended."),
            (__rt::descriptor)("bytes_written", <Counter as __rt::Metric>::NUMBER)
                .with_help("Payload bytes appended.")
                .with_unit("bytes"),
            (__rt::descriptor)(
                    "write_errors",
                    <Counter as __rt::ErrorInstrument>::NUMBER,
                )
                .with_help("Appends that returned an error.")
                .into_error_counter(),
            (__rt::descriptor)("open_segments", <Gauge as __rt::Metric>::NUMBER)
                .with_help("Segment files open now."),
        ];
    }
    #[automatically_derived]
    impl<__E: ?::core::marker::Sized> __rt::ErrorCounter<__E> for LogMetrics {
        #[inline]
        fn count_error(_: &__E, __metrics: &Self) {
            <Counter as __rt::ErrorInstrument>::inc(&__metrics.write_errors);
        }
    }
    #[automatically_derived]
    impl __rt::SharedMemorySafe for LogMetrics
    where
        for<'__use> Counter: __rt::SharedMemorySafe,
        for<'__use> Gauge: __rt::SharedMemorySafe,
    {
        fn __metrics() -> &'static [__rt::Descriptor] {
            <Self as __rt::DescriptorTable>::METRICS
        }
    }
};
