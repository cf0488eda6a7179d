impl OrderLog {
    pub fn append(&mut self, record: &Record) -> Result<Offset, LogError> {
        let __result = ::papyra_metrics::__private::call(|| -> Result<Offset, LogError> {
            let offset = self.file.write(record)?;
            Ok(offset)
        });
        let __outcome = <Result<
            Offset,
            LogError,
        > as ::papyra_metrics::__private::Fallible>::outcome(&__result);
        let __metrics = ::papyra_metrics::__private::probe(
                &::papyra_metrics::__private::counters_are_looked_up_in_self_metrics__add_at_to_use_another_field!(
                    self
                ),
            )
            .__present();
        if let ::core::option::Option::Some(__metrics) = __metrics {
            if let ::core::option::Option::Some(__error) = __outcome.error {
                ::papyra_metrics::__private::CountError::count_error(
                    __error,
                    &__metrics.write_errors,
                );
            }
            if __outcome.is_ok {
                ::papyra_metrics::Inc::inc(&__metrics.records_written);
            }
        }
        return __result;
    }
}
