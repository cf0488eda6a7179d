impl OrderLog {
    pub fn append(&mut self, record: &Record) -> Result<Offset, LogError> {
        let __result: Result<Offset, LogError> = ::papyra_metrics::__private::call(|| -> Result<
            Offset,
            LogError,
        > {
            {
                let offset = self.file.write(record)?;
                Ok(offset)
            }
        });
        if <Result<
            Offset,
            LogError,
        > as ::papyra_metrics::__private::Outcome>::failed(&__result) {
            if let ::core::option::Option::Some(__metrics) = ::papyra_metrics::__private::Reach::of(
                    &self.metrics,
                )
                .__present()
            {
                ::papyra_metrics::Count::count(&__metrics.write_errors);
            }
        }
        if <Result<
            Offset,
            LogError,
        > as ::papyra_metrics::__private::Outcome>::succeeded(&__result) {
            if let ::core::option::Option::Some(__metrics) = ::papyra_metrics::__private::Reach::of(
                    &self.metrics,
                )
                .__present()
            {
                ::papyra_metrics::Count::count(&__metrics.records_written);
            }
        }
        __result
    }
}
