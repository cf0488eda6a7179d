//! Metrics with labels: the key of each series in snapshots, totals, drains and JSON, and labels that are rejected.

use papyra_metrics::{Counter, Descriptor, Gauge, LabelValues, Metrics, Series, Snapshot, Walker};

/// Metrics with labels and a hand-written implementation of `Metrics`.
#[derive(Default)]
struct ByHand {
    gets: Counter,
    puts: Counter,
    depth: Gauge,
    is_static: bool,
}

const LISTED: &[Descriptor] = &[
    Descriptor::counter("requests").with_labels(&[("op", "get"), ("outcome", "ok")]),
    Descriptor::counter("requests").with_labels(&[("op", "put"), ("outcome", "ok")]),
    Descriptor::gauge("depth").with_labels(&[]),
];

impl Metrics for ByHand {
    fn descriptors(&self) -> &[Descriptor] {
        LISTED
    }

    fn walk(&self, walker: &mut dyn Walker) {
        walker.counters(&[&self.gets, &self.puts]);
        walker.instrument(&self.depth);
    }

    fn static_descriptors(&self) -> Option<&'static [Descriptor]> {
        self.is_static.then_some(LISTED)
    }
}

#[test]
fn a_hand_written_metric_is_found_by_its_series_in_every_reading() {
    for is_static in [false, true] {
        let metrics = ByHand { is_static, ..ByHand::default() };
        metrics.puts.add(2);
        metrics.depth.set(-1);
        let expected = "requests{op=get,outcome=ok}: 0\nrequests{op=put,outcome=ok}: 2\ndepth: -1";
        let earlier = metrics.snapshot();
        assert_eq!(earlier.to_string(), expected);
        assert_eq!(earlier["requests{op=put,outcome=ok}"], 2);
        assert_eq!((earlier.get("requests"), earlier.get("requests{op=put}")), (None, None));
        metrics.puts.add(5);
        let since = metrics.snapshot().since(&earlier);
        assert_eq!(since["requests{op=put,outcome=ok}"], 5);
        assert_eq!(since["requests{op=get,outcome=ok}"], 0);
        assert_eq!(metrics.drain()["requests{op=put,outcome=ok}"], 7);
        assert_eq!(metrics.totals()["requests{op=put,outcome=ok}"], 7);
        assert_eq!(metrics.snapshot()["requests{op=put,outcome=ok}"], 0);
        let keys: Vec<String> = metrics.totals().into_iter().map(|(key, _)| key).collect();
        let series: Vec<String> = LISTED.iter().map(|metric| metric.series().to_string()).collect();
        assert_eq!(keys, series);
    }
}

#[test]
fn a_snapshot_with_labels_round_trips_as_a_flat_json_object() {
    let metrics = ByHand::default();
    metrics.gets.inc();
    metrics.depth.set(-1);
    let snapshot = metrics.snapshot();
    let json = serde_json::to_string(&snapshot).unwrap();
    assert_eq!(
        json,
        r#"{"requests{op=get,outcome=ok}":1,"requests{op=put,outcome=ok}":0,"depth":-1}"#
    );
    assert_eq!(serde_json::from_str::<Snapshot>(&json).unwrap(), snapshot);
}

#[test]
fn a_series_of_owned_strings_has_the_same_key() {
    let labels = [("op".to_owned(), "get".to_owned()), ("outcome".to_owned(), "ok".to_owned())];
    let labels = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let series = Series::new("requests", labels);
    assert_eq!(series.to_string(), LISTED[0].series().to_string());
}

#[test]
fn labels_that_monitoring_systems_reject_are_rejected() {
    for (labels, expected) in [
        (&[("le", "1")][..], "reserved"),
        (&[("__op", "get")], "reserved"),
        (&[("a-b", "get")], "must match [a-zA-Z_]"),
        (&[("op", "Get")], "must match [a-z0-9_]+"),
        (&[("op", "")], "must match [a-z0-9_]+"),
        (&[("op", "get"), ("op", "put")], "two labels with the same name"),
    ] {
        let refused = std::panic::catch_unwind(|| Descriptor::gauge("depth").with_labels(labels));
        let message = *refused.unwrap_err().downcast::<&str>().unwrap();
        assert!(message.contains(expected), "{labels:?}: {message}");
    }
}

#[test]
fn a_label_of_256_values_rejects_a_repeated_value() {
    let values: Vec<String> = (0..256).map(|i| format!("partition_{i}")).collect();
    let values: Vec<&str> = values.iter().map(|value| &*value.clone().leak()).collect();
    assert_eq!(LabelValues::new("partition", values.clone().leak()).values(), values);
    for (first, second) in [(0, 1), (0, 255), (17, 200), (254, 255)] {
        let mut repeated = values.clone();
        repeated[second] = repeated[first];
        let repeated: &[&str] = repeated.leak();
        let refused = std::panic::catch_unwind(|| LabelValues::new("partition", repeated));
        let message = *refused.unwrap_err().downcast::<&str>().unwrap();
        assert_eq!(message, "a label cannot have the same value twice");
    }
}
