impl OrderLog {
    pub async fn scan(&self) -> Result<Report, LogError> {
        let __metrics = ::papyra_metrics::__private::probe(
                &::papyra_metrics::__private::counters_are_looked_up_in_self_metrics__add_at_to_use_another_field!(
                    self
                ),
            )
            .__present();
        if let ::core::option::Option::Some(__metrics) = __metrics {
            ::papyra_metrics::Inc::inc(&__metrics.scan_runs);
        }
        let __in_flight_guard = __metrics
            .map(|__metrics| {
                ::papyra_metrics::__private::InFlight::new(
                    __metrics,
                    |__metrics, __delta| __delta.apply(&__metrics.scans_in_flight),
                )
            });
        let __result = async move {
            if let ::core::option::Option::Some(__result) = ::core::option::Option::None::<
                Result<Report, LogError>,
            > {
                return __result;
            }
            let records = self.read_all().await?;
            Ok(Report::of(records))
        }
            .await;
        let __outcome = <Result<
            Report,
            LogError,
        > as ::papyra_metrics::__private::Fallible>::outcome(&__result);
        if let ::core::option::Option::Some(__error) = __outcome.error {
            if let ::core::option::Option::Some(__metrics) = __metrics {
                ::papyra_metrics::__private::CountError::count_error(
                    __error,
                    &__metrics.scan_errors,
                );
            }
        }
        return __result;
    }
}
