//! The macro `assert_delta!`.

use std::num::ParseIntError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use papyra_metrics::{Counter, Family, FloatGauge, Gauge, Histogram, Label, Metrics, assert_delta};

#[derive(Clone, Copy, Label)]
enum Op {
    Get,
    Put,
}

#[derive(Default, Metrics)]
struct StoreMetrics {
    requests: Family<Op, Counter>,
    records_written: Counter,
    write_errors: Counter,
    open: Gauge,
    r#type: Gauge,
    load: FloatGauge,
    write: Histogram,
}

/// Returns the message with which `run` panics.
fn panic_of<R>(run: impl FnOnce() -> R) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(run)) else { panic!("`run` does not panic") };
    *panic.downcast::<String>().unwrap()
}

#[test]
fn the_change_of_every_kind_of_metric_is_compared() {
    let metrics = StoreMetrics::default();
    metrics.records_written.add(5);
    metrics.open.set(3);
    let returned = assert_delta!(
        metrics,
        {
            "requests{op=get}": 1,
            "requests{op=put}": 0_usize,
            records_written: 2_u64,
            write_errors: 0_i8,
            open: -4,
            r#type: 1,
            load: 2,
            write: 2_u32,
        },
        || {
            metrics.requests[Op::Get].inc();
            metrics.records_written.add(1);
            metrics.records_written.reset();
            metrics.records_written.add(1);
            metrics.open.set(-1);
            metrics.r#type.inc();
            metrics.load.set(1.75);
            metrics.write.record_n(Duration::from_micros(3), 2);
            "returned"
        },
    );
    assert_eq!(returned, "returned");
}

#[test]
fn the_operation_may_borrow_the_owner_of_the_metrics() {
    struct Store(StoreMetrics);
    impl Store {
        fn write(&mut self, records: &str) -> Result<u64, ParseIntError> {
            self.0.records_written.add(records.parse()?);
            Ok(self.0.records_written.total())
        }
    }
    let mut store = Store(StoreMetrics::default());
    let write = |store: &mut Store, records| -> Result<u64, ParseIntError> {
        // `?` applies to the result of the macro, outside of the closure.
        Ok(assert_delta!(store.0, { records_written: 1 }, || store.write(records))? + 10)
    };
    assert_eq!(write(&mut store, "1"), Ok(11));
    let object: &dyn Metrics = &store.0;
    assert_delta!(object, {}, || ());
}

#[tokio::test]
async fn an_async_block_is_awaited() {
    let metrics = StoreMetrics::default();
    let two = assert_delta!(metrics, { records_written: 1 }, async {
        tokio::task::yield_now().await;
        metrics.records_written.inc();
        2
    });
    let text = String::from("moved");
    let moved = assert_delta!(metrics, { records_written: 0 }, async move { text });
    assert_eq!((two, &*moved), (2, "moved"));
}

#[test]
fn a_failure_shows_the_expected_changes_and_all_other_changes() {
    let metrics = StoreMetrics::default();
    metrics.records_written.add(5);
    let message = panic_of(|| {
        assert_delta!(metrics, { records_written: 2, write_errors: 0, open: 0 }, || {
            metrics.records_written.inc();
            metrics.write_errors.inc();
            metrics.requests[Op::Put].add(3);
            metrics.r#type.dec();
        });
    });
    assert_eq!(
        message,
        "the metrics did not change as expected
  records_written: expected +2, but changed by +1, from 5 to 6
  write_errors: expected 0, but changed by +1, from 0 to 1
also changed: requests{op=put} +3, type -1"
    );
}

#[test]
fn a_metric_that_does_not_exist_is_an_error_before_the_operation() {
    let metrics = StoreMetrics::default();
    let message = panic_of(|| {
        assert_delta!(metrics, { requests: 1 }, || metrics.records_written.inc());
    });
    assert_eq!(metrics.records_written.get(), 0);
    assert_eq!(
        message,
        "there is no metric `requests`; the metrics are
  requests{op=get}\n  requests{op=put}\n  records_written\n  write_errors\n  open\n  type\n  load\n  write"
    );
}

#[test]
fn names_around_the_assertion_are_not_captured() {
    let metrics = StoreMetrics::default();
    let (expected, before, returned) = (1, 2, 3);
    let sum =
        assert_delta!(metrics, { records_written: expected + before - 3 }, || expected + returned);
    assert_eq!(sum, 4);
}
