impl OrderLog {
    pub async fn scan(&self) -> Result<Report, LogError> {
        if let ::core::option::Option::Some(__metrics) = ::papyra_metrics::__private::Reach::of(
                &self.metrics,
            )
            .__present()
        {
            ::papyra_metrics::Count::count(&__metrics.scan_runs);
        }
        let _in_flight = match ::papyra_metrics::__private::Reach::of(&self.metrics)
            .__present()
        {
            ::core::option::Option::Some(__metrics) => {
                ::core::option::Option::Some(
                    ::papyra_metrics::__private::InFlight::new(
                        __metrics,
                        |__metrics, __step| __step.make(&__metrics.scans_in_flight),
                    ),
                )
            }
            ::core::option::Option::None => ::core::option::Option::None,
        };
        let __result: Result<Report, LogError> = async move {
            if let ::core::option::Option::Some(__result) = ::core::option::Option::None::<
                Result<Report, LogError>,
            > {
                return __result;
            }
            {
                let records = self.read_all().await?;
                Ok(Report::of(records))
            }
        }
            .await;
        if <Result<
            Report,
            LogError,
        > as ::papyra_metrics::__private::Outcome>::failed(&__result) {
            if let ::core::option::Option::Some(__metrics) = ::papyra_metrics::__private::Reach::of(
                    &self.metrics,
                )
                .__present()
            {
                ::papyra_metrics::Count::count(&__metrics.scan_errors);
            }
        }
        __result
    }
}
