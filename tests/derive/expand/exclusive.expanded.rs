impl OrderLog {
    pub fn append(&mut self, record: Record) -> Result<Offset, LogError> {
        let mut __in_flight = ::papyra_metrics::__private::InFlight::new(
            &mut *self,
            |__this, __delta| {
                let __metrics = ::papyra_metrics::__private::probe(
                        &::papyra_metrics::__private::counters_are_looked_up_in_self_metrics__add_at_to_use_another_field!(
                            __this
                        ),
                    )
                    .__present();
                if let ::core::option::Option::Some(__metrics) = __metrics {
                    __delta.apply(&__metrics.appends_in_flight)
                }
            },
        );
        let __this = &mut *__in_flight.held;
        let __result = ::papyra_metrics::__private::call(move || -> Result<
            Offset,
            LogError,
        > {
            let offset = __this.file.write(&record)?;
            __this.len += 1;
            Ok(offset)
        });
        let __this = &*__in_flight.held;
        let __outcome = <Result<
            Offset,
            LogError,
        > as ::papyra_metrics::__private::Fallible>::outcome(&__result);
        let __metrics = ::papyra_metrics::__private::probe(
                &::papyra_metrics::__private::counters_are_looked_up_in_self_metrics__add_at_to_use_another_field!(
                    __this
                ),
            )
            .__present();
        if let ::core::option::Option::Some(__metrics) = __metrics {
            if let ::core::option::Option::Some(__error) = __outcome.error {
                ::papyra_metrics::__private::ErrorCounter::count_error(
                    __error,
                    __metrics,
                );
            }
            if __outcome.is_ok {
                ::papyra_metrics::Inc::inc(&__metrics.records_written);
            }
        }
        return __result;
    }
}
