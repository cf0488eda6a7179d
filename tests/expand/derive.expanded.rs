/// What the order log has done since it was opened.
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
#[allow(deprecated)]
const _: () = {
    #[automatically_derived]
    impl ::papyra_metrics::Metrics for LogMetrics {
        fn descriptors(&self) -> &[::papyra_metrics::Descriptor] {
            <Self as ::papyra_metrics::__private::Table>::METRICS
        }
        fn visit(&self, __visitor: &mut ::papyra_metrics::__private::Visitor<'_>) {
            ::papyra_metrics::__private::visit(self, __visitor);
        }
        fn visit_totals(
            &self,
            __visitor: &mut ::papyra_metrics::__private::Visitor<'_>,
        ) {
            ::papyra_metrics::__private::visit_totals(self, __visitor);
        }
        fn visit_drain(&self, __visitor: &mut ::papyra_metrics::__private::Visitor<'_>) {
            ::papyra_metrics::__private::visit_drain(self, __visitor);
        }
        fn reset(&self) {
            ::papyra_metrics::__private::reset(self);
        }
        fn __table(
            &self,
        ) -> ::core::option::Option<&'static [::papyra_metrics::Descriptor]> {
            ::core::option::Option::Some(
                <Self as ::papyra_metrics::__private::Table>::METRICS,
            )
        }
        fn __walk(&self, __walker: &mut dyn ::papyra_metrics::__private::Walker) {
            <Self as ::papyra_metrics::__private::Table>::walk(self, __walker);
        }
    }
    #[automatically_derived]
    impl ::papyra_metrics::__private::Table for LogMetrics {
        const OWN: &'static [::papyra_metrics::Descriptor] = &[
            ::papyra_metrics::Descriptor::new(
                    "records_written",
                    <Counter as ::papyra_metrics::Instrument>::KIND,
                )
                .with_help("Records appended."),
            ::papyra_metrics::Descriptor::new(
                    "bytes_written",
                    <Counter as ::papyra_metrics::Instrument>::KIND,
                )
                .with_help("Payload bytes appended.")
                .with_unit("bytes"),
            ::papyra_metrics::Descriptor::new(
                    "write_errors",
                    <Counter as ::papyra_metrics::__private::ErrorInstrument>::KIND,
                )
                .with_help("Appends that returned an error."),
            ::papyra_metrics::Descriptor::new(
                    "open_segments",
                    <Gauge as ::papyra_metrics::Instrument>::KIND,
                )
                .with_help("Segment files open now."),
        ];
        const METRICS: &'static [::papyra_metrics::Descriptor] = Self::OWN;
        fn walk(&self, __walker: &mut dyn ::papyra_metrics::__private::Walker) {
            <Counter as ::papyra_metrics::Instrument>::__show(
                &[&self.records_written, &self.bytes_written, &self.write_errors],
                __walker,
            );
            <Gauge as ::papyra_metrics::Instrument>::__show(
                &[&self.open_segments],
                __walker,
            );
        }
    }
    #[automatically_derived]
    impl ::papyra_metrics::__private::ErrorCounter for LogMetrics {
        #[inline]
        fn count_error(&self) {
            <Counter as ::papyra_metrics::__private::ErrorInstrument>::inc(
                &self.write_errors,
            );
        }
    }
    #[automatically_derived]
    impl ::papyra_metrics::__private::InPlace for LogMetrics
    where
        for<'__use> Counter: ::papyra_metrics::__private::InPlace,
        for<'__use> Gauge: ::papyra_metrics::__private::InPlace,
    {
        fn only_the_derive_may_implement_this() {}
    }
    #[automatically_derived]
    impl ::papyra_metrics::__private::Publishable for LogMetrics
    where
        for<'__use> LogMetrics: ::papyra_metrics::__private::InPlace,
    {}
};
