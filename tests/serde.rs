//! A snapshot as JSON: one flat object.

use papyra_metrics::{Snapshot, Value};

#[test]
fn a_snapshot_goes_to_json_as_a_flat_object_and_comes_back_equal() {
    let snapshot = Snapshot::from_iter([
        ("writes", Value::Counter(u64::MAX)),
        ("level", Value::Gauge(i64::MIN)),
        ("a", Value::Gauge(3)),
    ]);
    let json = serde_json::to_string(&snapshot).unwrap();
    assert_eq!(json, r#"{"writes":18446744073709551615,"level":-9223372036854775808,"a":3}"#);
    let back: Snapshot = serde_json::from_str(&json).unwrap();
    assert_eq!(back, snapshot);
    assert_eq!(back.to_string(), snapshot.to_string());
}

#[test]
fn what_is_no_flat_map_of_integers_is_refused_with_what_is_expected() {
    for (json, expected) in [
        ("[1]", "expected a flat map of metric names to integers"),
        (r#"{"a":{"b":1}}"#, "expected an integer"),
        (r#"{"a":1.5}"#, "expected an integer"),
    ] {
        let error = serde_json::from_str::<Snapshot>(json).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
