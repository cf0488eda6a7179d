struct LogMetrics<T> {
    /// Records appended.
    records_written: Counter,
    cache: CacheMetrics<T>,
    path: PathBuf,
}
#[allow(deprecated)]
const _: () = {
    #[automatically_derived]
    impl<T> ::papyra_metrics::Metrics for LogMetrics<T>
    where
        CacheMetrics<T>: ::papyra_metrics::__private::Table,
    {
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
    impl<T> ::papyra_metrics::__private::Table for LogMetrics<T>
    where
        CacheMetrics<T>: ::papyra_metrics::__private::Table,
    {
        const OWN: &'static [::papyra_metrics::Descriptor] = &[
            ::papyra_metrics::__private::prefixed(
                ::papyra_metrics::Descriptor::new(
                        "log_records_written",
                        <Counter as ::papyra_metrics::Instrument>::KIND,
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
                metrics: <CacheMetrics<T> as ::papyra_metrics::__private::Table>::METRICS,
            },
        ];
        const METRICS: &'static [::papyra_metrics::Descriptor] = {
            let __metrics = ::papyra_metrics::__private::Ladder::<Self>::METRICS;
            (::papyra_metrics::__private::assert_flattens)(
                __metrics,
                <Self as ::papyra_metrics::__private::Table>::FLATTENED,
                0usize,
            );
            __metrics
        };
        fn walk(&self, __walker: &mut dyn ::papyra_metrics::__private::Walker) {
            <Counter as ::papyra_metrics::Instrument>::__show(
                &[&self.records_written],
                __walker,
            );
            <CacheMetrics<
                T,
            > as ::papyra_metrics::__private::Table>::walk(&self.cache, __walker);
        }
    }
    #[automatically_derived]
    impl<T> ::papyra_metrics::__private::InPlace for LogMetrics<T>
    where
        for<'__use> Counter: ::papyra_metrics::__private::InPlace,
        for<'__use> CacheMetrics<T>: ::papyra_metrics::__private::InPlace,
        for<'__use> ::papyra_metrics::__private::SkippedField: ::papyra_metrics::__private::InPlace,
    {
        fn only_the_derive_may_implement_this() {}
    }
    #[automatically_derived]
    impl<T> ::papyra_metrics::__private::Publishable for LogMetrics<T>
    where
        CacheMetrics<T>: ::papyra_metrics::__private::Table,
        for<'__use> LogMetrics<T>: ::papyra_metrics::__private::InPlace,
    {}
};
