// Every form of the key `time`, which needs the feature `std`. Crates with this feature include this file after `forms.rs`.

/// Durations of calls.
#[derive(::core::fmt::Debug)]
#[derive(::papyra_metrics::Metrics)]
pub struct Times {
    /// Durations of the calls of functions without `sample`.
    pub check: ::papyra_metrics::Histogram,
    /// Durations of the calls of a function with `sample`.
    pub sampled: ::papyra_metrics::CachePadded<::papyra_metrics::Histogram<::papyra_metrics::FineLatency>>,
}

/// A backend whose calls are timed.
#[derive(::core::fmt::Debug)]
pub struct Timed {
    /// The histograms.
    pub metrics: Times,
    /// The number of calls.
    pub calls: ::core::primitive::u64,
}

static TIMES: Times = new_times();

/// Returns empty histograms.
#[must_use]
pub const fn new_times() -> Times {
    Times {
        check: ::papyra_metrics::Histogram::new(),
        sampled: ::papyra_metrics::CachePadded::new(::papyra_metrics::Histogram::new()),
    }
}

impl Timed {
    /// Has neither `?` nor `return`, so the body is expanded inline.
    #[::papyra_metrics::metrics(time = check)]
    pub fn calls(&self) -> ::core::primitive::u64 {
        self.calls
    }

    /// Returns a type alias. Only the compiler knows that the aliased type is not a future.
    ///
    /// # Errors
    /// Never returns an error. The body contains a `return` only because a body with a `return` is expanded differently.
    #[::papyra_metrics::metrics(time = check, in_flight = METRICS.in_flight)]
    pub fn check(&mut self) -> Outcome<::core::primitive::u64> {
        self.calls += 1;
        if self.calls == 0 {
            return ::core::result::Result::Err(Broken);
        }
        ::core::result::Result::Ok(self.calls())
    }

    /// Returns `impl Trait`, which generated code cannot name as the type of a variable.
    #[::papyra_metrics::metrics(time = check)]
    pub fn counter(&self) -> impl ::core::ops::Fn() -> ::core::primitive::u64 + '_ {
        move || self.calls
    }

    /// Is an `async fn` whose future may be dropped.
    ///
    /// # Errors
    /// Returns the errors of `check`.
    #[::papyra_metrics::metrics(time = check, cancelled = METRICS.cancelled)]
    pub async fn check_later(&mut self) -> Outcome<::core::primitive::u64> {
        let calls = ::core::future::ready(self.check()).await?;
        ::core::result::Result::Ok(calls)
    }

    /// Returns `impl Future`.
    #[::papyra_metrics::metrics(time = check)]
    pub fn calls_later(&self) -> impl ::core::future::Future<Output = ::core::primitive::u64> + '_ {
        let calls = self.calls;
        async move { calls }
    }

    /// Records every call, because `sample` is 1.
    #[::papyra_metrics::metrics(time = sampled, sample = 1)]
    pub fn every(&self) -> ::core::option::Option<::core::primitive::u64> {
        let calls = self.calls.checked_sub(1)?;
        ::core::option::Option::Some(calls)
    }
}

/// Records in static metrics, because there is no `self`.
#[::papyra_metrics::metrics(at = TIMES, time = check)]
pub fn without_self(timed: &mut Timed) {
    timed.calls = 0;
}

/// Uses every form once. Returns the number of recorded calls plus the result of the closure from `counter`.
#[must_use]
pub fn time() -> ::core::primitive::u64 {
    let mut timed = Timed { metrics: new_times(), calls: 1 };
    let before = TIMES.check.total().count();
    drop_result(timed.calls());
    drop_result(timed.check());
    let calls = timed.counter()();
    drop_result(poll_once(timed.check_later()));
    drop_result(poll_once(timed.calls_later()));
    drop_result(timed.every());
    without_self(&mut timed);
    let sampled: &::papyra_metrics::Histogram<_> = &timed.metrics.sampled;
    let recorded = timed.metrics.check.get().count() + sampled.get().count();
    recorded + TIMES.check.total().count() - before + calls
}
