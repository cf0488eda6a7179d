impl OrderLog {
    pub fn flush(&self) -> Fallible<()> {
        let __result: Fallible<()> = if ::papyra_metrics::__private::takes_branch() {
            self.file.flush()
        } else {
            ::papyra_metrics::__private::other_branch()
        };
        return <Fallible<
            (),
        > as ::papyra_metrics::__private::RecordReturn<
            _,
            _,
        >>::record_return(
            __result,
            ::papyra_metrics::__private::on_outcome::<
                <Fallible<()> as ::papyra_metrics::__private::ReturnsErrors>::Error,
                _,
            >(|__outcome| {
                if let ::core::option::Option::Some(__error) = __outcome.error {
                    let __metrics = ::papyra_metrics::__private::probe(
                            &::papyra_metrics::__private::counters_are_looked_up_in_self_metrics__add_at_to_use_another_field!(
                                self
                            ),
                        )
                        .__present();
                    if let ::core::option::Option::Some(__metrics) = __metrics {
                        ::papyra_metrics::__private::CountError::count_error(
                            __error,
                            &__metrics.write_errors,
                        );
                    }
                }
            }),
            || {
                let __root = ::papyra_metrics::__private::probe(
                        &::papyra_metrics::__private::counters_are_looked_up_in_self_metrics__add_at_to_use_another_field!(
                            self
                        ),
                    )
                    .__share();
                move || ::papyra_metrics::__private::on_outcome::<
                    <Fallible<()> as ::papyra_metrics::__private::ReturnsErrors>::Error,
                    _,
                >(move |__outcome| {
                    if let ::core::option::Option::Some(__error) = __outcome.error {
                        let __metrics = ::papyra_metrics::__private::probe(&__root)
                            .__present();
                        if let ::core::option::Option::Some(__metrics) = __metrics {
                            ::papyra_metrics::__private::CountError::count_error(
                                __error,
                                &__metrics.write_errors,
                            );
                        }
                    }
                })
            },
        );
    }
}
