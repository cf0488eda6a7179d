impl OrderLog {
    fn read(
        &self,
        offset: Offset,
    ) -> Pin<Box<dyn Future<Output = Result<Record, LogError>> + Send + '_>> {
        let __root = ::papyra_metrics::__private::probe(
                &::papyra_metrics::__private::counters_are_looked_up_in_self_metrics__add_at_to_use_another_field!(
                    self
                ),
            )
            .__share();
        let __future = self.file.read(offset);
        return Box::pin(async move {
            let __metrics = ::papyra_metrics::__private::probe(&__root).__present();
            if let ::core::option::Option::Some(__metrics) = __metrics {
                ::papyra_metrics::Inc::inc(&__metrics.reads);
            }
            let __result: Result<Record, LogError> = __future.await;
            let __outcome = <Result<
                Record,
                LogError,
            > as ::papyra_metrics::__private::Fallible>::outcome(&__result);
            if let ::core::option::Option::Some(__error) = __outcome.error {
                let __metrics = ::papyra_metrics::__private::probe(&__root).__present();
                if let ::core::option::Option::Some(__metrics) = __metrics {
                    ::papyra_metrics::__private::CountError::count_error(
                        __error,
                        &__metrics.read_errors,
                    );
                }
            }
            return __result;
        });
    }
}
