//! A macro for tests that asserts how an operation changes metrics.

/// Runs a closure and asserts by how much it changes metrics. Returns what the closure returns.
///
/// Metrics are named as in a snapshot: by their name, such as `records_written`, or, if they have labels, by the key of
/// the series in quotes, such as `"requests{op=put}"`. Metrics that are not listed may change.
///
/// ```
/// use papyra_metrics::{Counter, Family, Label, Metrics, assert_delta};
///
/// #[derive(Clone, Copy, Label)]
/// enum Op { Get, Put }
///
/// #[derive(Default, Metrics)]
/// struct StoreMetrics {
///     requests: Family<Op, Counter>,
///     records_written: Counter,
///     write_errors: Counter,
/// }
///
/// #[derive(Default)]
/// struct Store { metrics: StoreMetrics }
///
/// impl Store {
///     fn put(&mut self, records: u64) -> u64 {
///         self.metrics.requests[Op::Put].inc();
///         self.metrics.records_written.add(records);
///         records
///     }
/// }
///
/// let mut store = Store::default();
/// let written = assert_delta!(store.metrics, { records_written: 2, write_errors: 0 }, || store.put(2));
/// assert_eq!(written, 2);
/// assert_delta!(store.metrics, { "requests{op=put}": 1, "requests{op=get}": 0 }, || store.put(7));
/// ```
///
/// # Changes
///
/// | metric | its change |
/// |---|---|
/// | counter | how many events were counted; a reset in between does not matter, except that it sets an `AtomicU64` to zero |
/// | histogram | how many values were recorded |
/// | gauge | its value after minus its value before; floats are rounded to the nearest integer first |
///
/// An expected change is an integer of any type. Changes that other threads make while the closure runs are included. The
/// expression of the metrics is evaluated twice: before and after the closure.
///
/// # Async
///
/// An `async` block in place of the closure is awaited, so the macro must be called in async code:
///
/// ```
/// # use papyra_metrics::{Counter, Metrics, assert_delta};
/// # #[derive(Default, Metrics)]
/// # struct LogMetrics { records_written: Counter }
/// async fn append(metrics: &LogMetrics) {
///     metrics.records_written.inc();
/// }
///
/// async fn an_append_is_one_record() {
///     let metrics = LogMetrics::default();
///     assert_delta!(metrics, { records_written: 1 }, async { append(&metrics).await });
/// }
/// # use std::{future::Future, pin::pin, task::{Context, Waker}};
/// # assert!(pin!(an_append_is_one_record()).poll(&mut Context::from_waker(Waker::noop())).is_ready());
/// ```
///
/// # Panics
///
/// Panics if a listed metric changes by another amount, or if there is no metric with a listed name. The message shows
/// each listed metric that changed by another amount, and every metric that changed although it is not listed:
///
/// ```text
/// the metrics did not change as expected
///   records_written: expected +2, but changed by +1, from 5 to 6
///   write_errors: expected 0, but changed by +1, from 0 to 1
/// also changed: bytes_written +118
/// ```
///
/// # Compile errors
///
/// A metric without an expected change:
///
/// ```compile_fail
/// # use papyra_metrics::{Counter, Metrics, assert_delta};
/// # #[derive(Default, Metrics)]
/// # struct LogMetrics { records_written: Counter }
/// # let metrics = LogMetrics::default();
/// assert_delta!(metrics, { records_written }, || metrics.records_written.inc());
/// ```
///
/// A change that is not an integer:
///
/// ```compile_fail
/// # use papyra_metrics::{Counter, Metrics, assert_delta};
/// # #[derive(Default, Metrics)]
/// # struct LogMetrics { records_written: Counter }
/// # let metrics = LogMetrics::default();
/// assert_delta!(metrics, { records_written: "one" }, || metrics.records_written.inc());
/// ```
#[cfg(feature = "alloc")]
#[macro_export]
macro_rules! assert_delta {
    ($metrics:expr, { $($key:tt: $change:expr),* $(,)? }, async $run:block $(,)?) => {
        $crate::assert_delta!(@ $metrics, { $($key: $change),* }, (async $run).await)
    };
    ($metrics:expr, { $($key:tt: $change:expr),* $(,)? }, async move $run:block $(,)?) => {
        $crate::assert_delta!(@ $metrics, { $($key: $change),* }, (async move $run).await)
    };
    ($metrics:expr, { $($key:tt: $change:expr),* $(,)? }, $run:expr $(,)?) => {
        $crate::assert_delta!(@ $metrics, { $($key: $change),* }, $crate::__private::call($run))
    };
    (@ $metrics:expr, { $($key:tt: $change:expr),* }, $run:expr) => {{
        let expected: &[(&str, $crate::__private::Change)] =
            &[$(($crate::assert_delta!(@key $key), $crate::__private::expected_change($change))),*];
        let before = $crate::__private::totals_with(&$metrics, expected);
        let returned = $run;
        $crate::__private::assert_changes(&before, &$metrics, expected);
        returned
    }};
    (@key $key:ident) => { ::core::stringify!($key) };
    (@key $key:literal) => { $key };
    ($($other:tt)*) => {
        ::core::compile_error!("expected `assert_delta!(metrics, { name: change, … }, || …)`; a series with labels is written in \
            quotes, such as `\"requests{op=get}\": 1`")
    };
}
