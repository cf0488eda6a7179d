//! The functions that `assert_delta!` calls.

use alloc::string::String;
use core::fmt::Write;

use crate::{Metrics, Snapshot, Value};

/// An integer that can hold the difference of any two counters, or of any two integer gauges.
pub type Change = i128;

/// Converts the expected change, which is an integer of any type. Panics if it is out of range.
#[track_caller]
pub fn expected_change(change: impl TryInto<Change>) -> Change {
    let Ok(change) = change.try_into() else { panic!("the expected change is out of range") };
    change
}

/// Returns the lifetime values before the operation. Panics if a metric for which a change is expected does not exist.
#[track_caller]
pub fn totals_with<M: Metrics + ?Sized>(metrics: &M, expected: &[(&str, Change)]) -> Snapshot {
    let totals = metrics.totals();
    for (key, _) in expected {
        let key = name_of(key);
        if totals.get(key).is_none() {
            let mut message = String::new();
            for (known, _) in &totals {
                let _ = write!(message, "\n  {known}"); // writing to a `String` cannot fail
            }
            panic!("there is no metric `{key}`; the metrics are{message}");
        }
    }
    totals
}

/// Panics if the metrics have not changed as expected since `before`.
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

/// Returns the name of a metric, without the `r#` of a raw identifier.
fn name_of(key: &str) -> &str {
    key.strip_prefix("r#").unwrap_or(key)
}

/// Returns the value of a counter or gauge (a float is rounded to an integer), the count of a histogram, or zero for a metric that
/// does not exist yet.
fn number(value: Option<&Value>) -> Change {
    match value {
        None => 0,
        Some(Value::Counter(value)) => (*value).into(),
        Some(Value::Gauge(value)) => (*value).into(),
        Some(Value::Histogram(value)) => value.count().into(),
        #[allow(clippy::cast_possible_truncation)] // the cast saturates
        Some(Value::Float(value)) => (value + if *value < 0.0 { -0.5 } else { 0.5 }) as Change,
    }
}

fn signed(change: Change) -> String {
    let plus = if change > 0 { "+" } else { "" };
    alloc::format!("{plus}{change}")
}
