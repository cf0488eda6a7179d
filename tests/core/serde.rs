//! A snapshot as JSON: one flat object.

use std::time::Duration;

use papyra_metrics::{Histogram, Sizes, Snapshot, Value, buckets};

buckets!(Flush: Duration = [1ms, 1s]);

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
fn what_is_not_a_flat_map_of_values_is_refused_with_what_is_expected() {
    for (json, expected) in [
        ("[1]", "expected a flat map of metric names to numbers and histograms"),
        (r#"{"a":"1"}"#, "expected a number, null, or the object of a histogram"),
        (r#"{"a":{"b":1}}"#, "missing field `buckets`"),
        (r#"{"a":{"buckets":[]}}"#, "from 1 to 128 buckets"),
        (r#"{"a":{"buckets":[{"le":1,"count":1,"sum":1}]}}"#, "no other, has no bound"),
        (r#"{"a":{"buckets":[{"le":2},{"le":1},{"le":null}]}}"#, "do not rise"),
        (r#"{"a":{"buckets":[{"le":-1},{"le":null}]}}"#, "out of range"),
    ] {
        let error = serde_json::from_str::<Snapshot>(json).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_histogram_is_an_object_in_the_exported_unit_and_comes_back_equal() {
    let flush: Histogram<Flush> = Histogram::new();
    flush.record_n(Duration::from_micros(250), 2);
    flush.record(Duration::from_secs(3));
    let sizes: Histogram<Sizes> = Histogram::new();
    sizes.record(1 << 40);
    let snapshot = Snapshot::from_iter([
        ("flush", Value::Histogram(Box::new(flush.get().erase()))),
        ("sizes", Value::Histogram(Box::new(sizes.get().erase()))),
    ]);
    let json = serde_json::to_string(&snapshot).unwrap();
    assert!(
        json.starts_with(
            r#"{"flush":{"count":3,"sum":3.0005,"buckets":[{"le":0.001,"count":2,"sum":0.0005},{"le":1.0,"count":0,"sum":0.0},{"le":null,"count":1,"sum":3.0}]},"sizes":{"count":1,"#
        ),
        "{json}"
    );
    let back: Snapshot = serde_json::from_str(&json).unwrap();
    assert_eq!(back, snapshot);
    let (read, written) = (back["flush"].as_histogram().unwrap(), flush.get().erase());
    assert_eq!(read.quantile(0.5), written.quantile(0.5));
}

#[test]
fn a_float_is_a_number_and_null_where_json_has_none() {
    let snapshot = Snapshot::from_iter([
        ("ratio", Value::Float(0.5)),
        ("nan", Value::Float(f64::NAN)),
        ("infinite", Value::Float(f64::INFINITY)),
    ]);
    let json = serde_json::to_string(&snapshot).unwrap();
    assert_eq!(json, r#"{"ratio":0.5,"nan":null,"infinite":null}"#);
    let back: Snapshot = serde_json::from_str(&json).unwrap();
    assert_eq!(back["ratio"], 0.5);
    assert!(back["nan"].as_f64().is_nan() && back["infinite"].as_f64().is_nan());
}
