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
            <Counter as ::papyra_metrics::__private::Metric>::__walk_batch(
                &[&self.records_written, &self.bytes_written, &self.write_errors],
                __walker,
            );
            <Gauge as ::papyra_metrics::__private::Metric>::__walk_batch(
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
                    <Counter as ::papyra_metrics::__private::Metric>::KIND,
                )
                .with_help("Records appended."),
            ::papyra_metrics::__private::Descriptor::new(
                    "bytes_written",
                    <Counter as ::papyra_metrics::__private::Metric>::KIND,
                )
                .with_help("Payload bytes appended.")
                .with_unit("bytes"),
            ::papyra_metrics::__private::Descriptor::new(
                    "write_errors",
                    <Counter as ::papyra_metrics::__private::ErrorInstrument>::KIND,
                )
                .with_help("Appends that returned an error.")
                .as_error_counter(),
            ::papyra_metrics::__private::Descriptor::new(
                    "open_segments",
                    <Gauge as ::papyra_metrics::__private::Metric>::KIND,
                )
                .with_help("Segment files open now."),
        ];
    }
    #[automatically_derived]
    impl<__E: ?::core::marker::Sized> ::papyra_metrics::__private::ErrorCounter<__E>
    for LogMetrics {
        #[inline]
        fn count_error(_: &__E, __metrics: &Self) {
            <Counter as ::papyra_metrics::__private::ErrorInstrument>::inc(
                &__metrics.write_errors,
            );
        }
    }
    #[automatically_derived]
    impl ::papyra_metrics::__private::SharedMemorySafe for LogMetrics
    where
        for<'__use> Counter: ::papyra_metrics::__private::SharedMemorySafe,
        for<'__use> Gauge: ::papyra_metrics::__private::SharedMemorySafe,
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
};
