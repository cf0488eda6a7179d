//! The functions that `assert_delta!` calls.

use alloc::string::String;
use core::fmt::Write;

use crate::{Metrics, Snapshot, Value};

/// Wide enough for the difference of any two counters or gauges.
pub type Change = i128;

/// An integer of any type.
#[track_caller]
pub fn expected_change(change: impl TryInto<Change>) -> Change {
    let Ok(change) = change.try_into() else { panic!("the expected change is out of range") };
    change
}

/// The values before the operation. Panics if an expected metric does not exist.
#[track_caller]
pub fn totals_with<M: Metrics + ?Sized>(metrics: &M, expected: &[(&str, Change)]) -> Snapshot {
    let totals = metrics.totals();
    for (key, _) in expected {
        let key = name_of(key);
        if totals.get(key).is_none() {
            let mut message = String::new();
            for (known, _) in &totals {
                let _ = write!(message, "\n  {known}"); // a `String` takes everything
            }
            panic!("there is no metric `{key}`; the metrics are{message}");
        }
    }
    totals
}

/// Compares the values after the operation with those before it.
#[track_caller]
pub fn assert_changes<M: Metrics + ?Sized>(
    before: &Snapshot,
    metrics: &M,
    expected: &[(&str, Change)],
) {
    let after = metrics.totals();
    let mut message = String::new();
    for (key, expected) in expected {
        let key = name_of(key);
        let (before, after) = (number(before.get(key)), number(after.get(key)));
        let change = after - before;
        if change != *expected {
            let (expected, change) = (signed(*expected), signed(change));
            let _ = write!(
                message,
                "\n  {key}: expected {expected}, but changed by {change}, from {before} to {after}"
            );
        }
    }
    if message.is_empty() {
        return;
    }
    let mut separator = "\nalso changed: ";
    for (key, value) in &after {
        let change = number(Some(value)) - number(before.get(key));
        if change != 0 && !expected.iter().any(|(listed, _)| name_of(listed) == key) {
            let _ = write!(message, "{separator}{key} {}", signed(change));
            separator = ", ";
        }
    }
    panic!("the metrics did not change as expected{message}");
}

/// The name of a metric whose field is a raw identifier.
fn name_of(key: &str) -> &str {
    key.strip_prefix("r#").unwrap_or(key)
}

/// The value of a counter or gauge, the count of a histogram, and zero for a metric that is not there yet.
fn number(value: Option<&Value>) -> Change {
    match value {
        None => 0,
        Some(Value::Counter(value)) => (*value).into(),
        Some(Value::Gauge(value)) => (*value).into(),
        Some(Value::Histogram(value)) => value.count().into(),
        #[allow(clippy::cast_possible_truncation)] // the range of a change is that of no test
        Some(Value::Float(value)) => (value + if *value < 0.0 { -0.5 } else { 0.5 }) as Change,
    }
}

fn signed(change: Change) -> String {
    let plus = if change > 0 { "+" } else { "" };
    alloc::format!("{plus}{change}")
}
