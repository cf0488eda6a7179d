impl OrderLog {
    pub fn flush(&self) -> Fallible<()> {
        let __result: Fallible<()> = self.file.flush();
        #[allow(unreachable_code)] #[allow(clippy::implicit_return)]
        <Fallible<
            (),
        > as ::papyra_metrics::__private::Finish<
            _,
            _,
        >>::finish(
            __result,
            ::papyra_metrics::__private::judge(|__outcome| {
                if __outcome.failed {
                    let __metrics = ::papyra_metrics::__private::at(&self.metrics)
                        .__present();
                    if let ::core::option::Option::Some(__metrics) = __metrics {
                        ::papyra_metrics::Inc::inc(&__metrics.write_errors);
                    }
                }
            }),
            || {
                let __metrics = ::papyra_metrics::__private::at(&self.metrics)
                    .__present()
                    .map(|__metrics| {
                        ::papyra_metrics::__private::at(__metrics).__share()
                    });
                move || ::papyra_metrics::__private::judge(move |__outcome| {
                    if __outcome.failed {
                        if let ::core::option::Option::Some(__metrics) = &__metrics {
                            ::papyra_metrics::Inc::inc(&__metrics.write_errors);
                        }
                    }
                })
            },
        )
    }
}
