//! Snapshots and distributions in JSON and in binary formats. In JSON, a snapshot is one flat object.

use std::time::Duration;

use papyra_metrics::{Distribution, Histogram, Latency, Sizes, Snapshot, Value, buckets};
use serde::{Deserialize, Serialize};

buckets!(Flush: Duration = [1ms, 1s]);

#[test]
fn a_snapshot_round_trips_as_a_flat_json_object() {
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
fn invalid_json_is_rejected_with_the_expected_form() {
    for (json, expected) in [
        ("[1]", "expected a flat map of metric names to numbers and histograms"),
        (r#"{"a":"1"}"#, "expected a number, null, or the object of a histogram"),
        (r#"{"a":{"b":1}}"#, "missing field `buckets`"),
        (r#"{"a":{"buckets":[]}}"#, "from 1 to 128 buckets"),
        (r#"{"a":{"buckets":[{"le":1,"count":1,"sum":1}]}}"#, "except the last"),
        (r#"{"a":{"buckets":[{"le":2},{"le":1},{"le":null}]}}"#, "do not rise"),
        (r#"{"a":{"buckets":[{"le":-1},{"le":null}]}}"#, "out of range"),
    ] {
        let error = serde_json::from_str::<Snapshot>(json).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_histogram_round_trips_as_an_object_in_the_exported_unit() {
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

buckets!(Scan: Duration = one_two_five(1s, 1000s));

/// Returns two distributions: a copy that was written to JSON and read back, and the original.
fn through_json(scan: &Histogram<Scan>) -> (Distribution, Distribution) {
    let written = scan.get().erase();
    (serde_json::from_str(&serde_json::to_string(&written).unwrap()).unwrap(), written)
}

/// JSON does not contain the base unit of a distribution. If all bounds and sums are whole seconds, the distribution that
/// is read has seconds as its base unit. Otherwise it has nanoseconds.
#[test]
fn an_interval_is_exact_between_whole_seconds_and_nanoseconds() {
    let scan: Histogram<Scan> = Histogram::new();
    scan.record(Duration::from_secs(3));
    let (whole, written_whole) = through_json(&scan);
    scan.record(Duration::from_millis(1500));
    let (fractional, written_fractional) = through_json(&scan);
    scan.record(Duration::from_millis(500));
    let (whole_again, written_whole_again) = through_json(&scan);
    for later in [&fractional, &written_fractional] {
        for earlier in [&whole, &written_whole] {
            let interval = later.since(earlier);
            assert_eq!((interval.count(), interval.sum()), (1, 1.5));
        }
    }
    for later in [&whole_again, &written_whole_again] {
        for earlier in [&fractional, &written_fractional] {
            let interval = later.since(earlier);
            assert_eq!((interval.count(), interval.sum()), (1, 0.5));
            assert_eq!(earlier.since(later), *earlier, "the histogram was reset");
        }
    }
}

#[test]
fn distributions_of_whole_seconds_and_of_nanoseconds_are_merged() {
    let scan: Histogram<Scan> = Histogram::new();
    scan.record(Duration::from_secs(3));
    let (whole, written_whole) = through_json(&scan);
    scan.record(Duration::from_millis(1500));
    let (fractional, _) = through_json(&scan);
    for (sum, other) in [(&whole, &fractional), (&fractional, &whole), (&whole, &written_whole)] {
        let mut sum = sum.clone();
        let (count, seconds) = (sum.count() + other.count(), sum.sum() + other.sum());
        sum.merge(other).unwrap();
        assert_eq!((sum.count(), sum.sum()), (count, seconds));
    }
}

#[test]
fn a_float_is_a_number_or_null_if_json_has_no_such_number() {
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

/// Returns a snapshot with a value of every kind.
fn every_kind() -> Snapshot {
    let flush: Histogram<Flush> = Histogram::new();
    flush.record_n(Duration::from_micros(250), 2);
    flush.record(Duration::from_secs(3));
    Snapshot::from_iter([
        ("writes", Value::Counter(u64::MAX)),
        ("level", Value::Gauge(-2)),
        ("ratio", Value::Float(0.25)),
        ("flush", Value::Histogram(Box::new(flush.get().erase()))),
    ])
}

#[test]
fn a_snapshot_round_trips_in_binary_formats() {
    let snapshot = every_kind();
    let postcard = postcard::to_allocvec(&snapshot).unwrap();
    assert_eq!(postcard::from_bytes::<Snapshot>(&postcard).unwrap(), snapshot);
    let bincode = bincode::serialize(&snapshot).unwrap();
    let back = bincode::deserialize::<Snapshot>(&bincode).unwrap();
    assert_eq!(back, snapshot);
    let kinds = |snapshot: Snapshot| snapshot.into_iter().map(|(_, value)| value.kind());
    assert!(kinds(back).eq(kinds(snapshot)), "a binary format keeps the kinds");
}

#[test]
fn floats_that_are_not_finite_round_trip_in_a_binary_format() {
    for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0] {
        let bytes = postcard::to_allocvec(&Value::Float(float)).unwrap();
        let Ok(Value::Float(back)) = postcard::from_bytes(&bytes) else { panic!("no float") };
        assert_eq!(back.to_bits(), float.to_bits());
    }
}

#[test]
fn the_bytes_of_a_snapshot_are_the_same_in_every_version() {
    let snapshot = Snapshot::from_iter([("a", Value::Counter(1)), ("b", Value::Gauge(-1))]);
    let bytes = postcard::to_allocvec(&snapshot).unwrap();
    assert_eq!(bytes, [2, 1, b'a', 0, 1, 1, b'b', 1, 1]);
    let sizes: Histogram<One> = Histogram::new();
    sizes.record_n(1, 3);
    let bytes = postcard::to_allocvec(&Value::Histogram(Box::new(sizes.get().erase()))).unwrap();
    // The bytes are the variant, the factor by which exported values are multiplied (10⁹ for durations, here 1), the
    // list of bounds, and the list of buckets. A list begins with its length. A bucket consists of a count and a sum.
    assert_eq!(bytes, [3, 1, 1, 1, 2, 3, 3, 0, 0]);
}

buckets!(One: u64 = [1]);

/// A plain struct of metrics that is sent between processes.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Counts {
    writes: u64,
    append: Distribution<Latency>,
    sizes: Distribution<Sizes>,
}

#[test]
fn distributions_of_a_plain_struct_round_trip_in_any_format() {
    let append: Histogram = Histogram::new();
    append.record(Duration::from_secs(2)); // a whole number of seconds
    let sizes: Histogram<Sizes> = Histogram::new();
    sizes.record(100);
    let counts = Counts { writes: 1, append: append.get(), sizes: sizes.get() };
    let json = serde_json::to_string(&counts).unwrap();
    assert_eq!(serde_json::from_str::<Counts>(&json).unwrap(), counts);
    let bytes = postcard::to_allocvec(&counts).unwrap();
    assert_eq!(postcard::from_bytes::<Counts>(&bytes).unwrap(), counts);
    let erased: Distribution =
        serde_json::from_str(&serde_json::to_string(&counts.sizes).unwrap()).unwrap();
    assert_eq!(erased, counts.sizes.erase());
}

#[test]
fn a_distribution_with_other_bounds_than_its_type_is_rejected() {
    let json = serde_json::to_string(&Distribution::<Flush>::new()).unwrap();
    let error = serde_json::from_str::<Distribution<Latency>>(&json).unwrap_err().to_string();
    assert!(error.contains("the histogram has other bounds than its type"), "{error}");
    let bytes = postcard::to_allocvec(&Distribution::<One>::new()).unwrap();
    assert!(postcard::from_bytes::<Distribution<Sizes>>(&bytes).is_err());
}

/// A distribution in a binary format: the number of base units in an exported unit, the bounds, and the count and the sum
/// of each bucket.
type Parts = (u64, Vec<u64>, Vec<(u64, u64)>);

#[test]
fn an_invalid_distribution_in_a_binary_format_is_rejected() {
    let cases: [(Parts, &str); 7] = [
        ((0, vec![1], vec![(0, 0); 2]), "neither nanoseconds nor plain numbers"),
        ((1, vec![], vec![]), "from 1 to 128 buckets"),
        ((1, (0..200).collect(), vec![(0, 0); 201]), "from 1 to 128 buckets"),
        ((1, vec![1], vec![(0, 0)]), "one bucket more than bounds"),
        ((1, vec![2, 2], vec![(0, 0); 3]), "do not rise"),
        ((1, vec![u64::MAX], vec![(0, 0); 2]), "a bound of a histogram is out of range"),
        ((1, vec![1], vec![(u64::MAX, 0), (1, 0)]), "out of range"),
    ];
    for (parts, expected) in cases {
        let bytes = bincode::serialize(&parts).unwrap();
        let error = bincode::deserialize::<Distribution>(&bytes).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let most: Parts = (1, vec![1], vec![(u64::MAX, u64::MAX), (0, u64::MAX)]);
    let most: Distribution = bincode::deserialize(&bincode::serialize(&most).unwrap()).unwrap();
    assert!(most.to_string().starts_with("count 18446744073709551615, "), "{most}");
}

#[test]
fn damaged_bytes_give_an_error_or_a_snapshot_that_can_be_read() {
    let snapshot = every_kind();
    for (bytes, decode) in [
        (
            postcard::to_allocvec(&snapshot).unwrap(),
            (|bytes| postcard::from_bytes(bytes).ok()) as Decode,
        ),
        (bincode::serialize(&snapshot).unwrap(), |bytes| bincode::deserialize(bytes).ok()),
    ] {
        for length in 0..bytes.len() {
            assert_eq!(decode(&bytes[..length]), None, "{length} of {} bytes", bytes.len());
        }
        for index in 0..bytes.len() {
            for byte in [0, 1, 2, 4, 0x7f, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[index] = byte;
                let Some(damaged) = decode(&damaged) else { continue };
                assert!(damaged.len() <= snapshot.len());
                let _ = (damaged.to_string(), serde_json::to_string(&damaged).unwrap());
                let _ = damaged.since(&snapshot);
            }
        }
    }
}

type Decode = fn(&[u8]) -> Option<Snapshot>;
