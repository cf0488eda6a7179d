//! Metrics with more label sets than the SDK keeps for an instrument. The adapter merges the others: it adds up their
//! totals under the attribute `otel.metric.overflow`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{Instrument, SdkMeterProvider, Stream, Temporality};
use papyra_metrics::{Counter, Gauge, Histogram, Metrics};
use papyra_metrics_export::Registry;
use papyra_metrics_export::opentelemetry::OpenTelemetry;

use crate::sdk::SharedReader;

#[derive(Default, Metrics)]
struct Worker {
    requests: Counter,
    waiting: Gauge,
}

fn open(registry: &Registry, name: &str) -> Arc<Worker> {
    let worker = Arc::new(Worker::default());
    registry.register(worker.clone(), &[("worker", name)]).unwrap();
    worker
}

/// Returns the values of a metric, by the value of their only attribute.
fn points(reader: &SharedReader, name: &str) -> BTreeMap<String, i128> {
    let mut collected = ResourceMetrics::default();
    reader.collect(&mut collected).unwrap();
    let mut metrics = collected.scope_metrics().flat_map(ScopeMetrics::metrics);
    let metric = metrics.find(|metric| metric.name() == name).unwrap();
    let points: Vec<(String, i128)> = match metric.data() {
        AggregatedMetrics::U64(MetricData::Sum(sum)) => {
            let points = sum.data_points();
            points.map(|it| (attribute(it.attributes()), it.value().into())).collect()
        }
        AggregatedMetrics::I64(MetricData::Gauge(gauge)) => {
            let points = gauge.data_points();
            points.map(|it| (attribute(it.attributes()), it.value().into())).collect()
        }
        AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
            let points = histogram.data_points();
            points.map(|it| (attribute(it.attributes()), it.count().into())).collect()
        }
        other => panic!("{name} is {other:?}"),
    };
    points.into_iter().collect()
}

fn attribute<'a>(mut attributes: impl Iterator<Item = &'a opentelemetry::KeyValue>) -> String {
    attributes.next().map_or(String::new(), |attribute| attribute.value.to_string())
}

/// Returns a provider whose instruments keep `limit` attribute sets, with a reader of cumulative values and one of
/// deltas.
fn provider(limit: usize) -> (SdkMeterProvider, [SharedReader; 2]) {
    let view = move |_: &Instrument| {
        Some(Stream::builder().with_cardinality_limit(limit).build().unwrap())
    };
    let readers = [Temporality::Cumulative, Temporality::Delta].map(SharedReader::new);
    let mut builder = SdkMeterProvider::builder().with_view(view);
    for reader in &readers {
        builder = builder.with_reader(reader.clone());
    }
    (builder.build(), readers)
}

fn problems(registry: &Registry) -> Vec<String> {
    registry.problems().iter().map(ToString::to_string).collect()
}

#[test]
fn thousands_of_label_sets_that_come_and_go_are_added_up_exactly() {
    let registry = Registry::new();
    let readers = [Temporality::Cumulative, Temporality::Delta].map(SharedReader::new);
    let [cumulative, delta] = &readers;
    let builder = SdkMeterProvider::builder().with_reader(cumulative.clone());
    let provider = builder.with_reader(delta.clone()).build();
    let _exported = OpenTelemetry::new(&registry, &provider.meter("papyra"));
    let (mut counted, mut sum_of_deltas) = (0, 0);
    for round in 0..5_u64 {
        let workers: Vec<_> = (0..600).map(|i| open(&registry, &format!("{round}-{i}"))).collect();
        for (worker, n) in workers.iter().zip(1..) {
            // The workers of each round count less than those of the round before. So if the merged total were the
            // last value instead of the sum, it could fall.
            let n = (n * 7) % 100 + 10 * (5 - round);
            worker.requests.add(n);
            counted += i128::from(n);
        }
        let total: i128 = points(cumulative, "requests").values().sum();
        assert_eq!(total, counted, "round {round}");
        sum_of_deltas += points(delta, "requests").values().sum::<i128>();
        assert_eq!(sum_of_deltas, counted, "round {round}");
        let merged = (600 * (round + 1)).saturating_sub(2000);
        let problem = format!(
            "`requests` has more label sets than the 2000 that the SDK of OpenTelemetry keeps, so the totals of {merged} \
             are added up under the attribute `otel.metric.overflow`; use fewer label sets, or raise the limit in a view \
             and with `with_cardinality_limit`"
        );
        let expected = if merged > 0 { vec![problem] } else { vec![] };
        assert_eq!(problems(&registry), expected);
    }
}

#[test]
fn a_merged_total_neither_falls_nor_is_counted_twice_when_its_label_sets_are_forgotten() {
    let registry = Registry::new();
    let (provider, [cumulative, delta]) = provider(2);
    let exported = OpenTelemetry::new(&registry, &provider.meter("papyra"));
    let _exported = exported.with_cardinality_limit(2);
    let mut sums: BTreeMap<String, i128> = BTreeMap::new();
    let mut collect = || {
        for (name, increment) in points(&delta, "requests") {
            *sums.entry(name).or_default() += increment;
        }
        (points(&cumulative, "requests"), sums.clone())
    };
    let map = |points: &[(&str, i128)]| -> BTreeMap<String, i128> {
        points.iter().map(|&(name, value)| (name.to_owned(), value)).collect()
    };
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| open(&registry, name));
    for (worker, n) in [&a, &b, &c, &d].into_iter().zip(1..) {
        worker.requests.add(n);
        worker.waiting.set(n);
    }
    let expected = map(&[("a", 1), ("b", 2), ("true", 7)]);
    assert_eq!(collect(), (expected.clone(), expected));
    assert_eq!(points(&cumulative, "waiting"), map(&[("a", 1), ("b", 2)]));
    assert_eq!(
        problems(&registry),
        [
            "`requests` has more label sets than the 2 that the SDK of OpenTelemetry keeps, so the totals of 2 are added up \
             under the attribute `otel.metric.overflow`; use fewer label sets, or raise the limit in a view and with \
             `with_cardinality_limit`",
            "`waiting` has more label sets than the 2 that the SDK of OpenTelemetry keeps, so 2 are not exported; use fewer \
             label sets, or raise the limit in a view and with `with_cardinality_limit`",
        ]
    );

    // The registry forgets `a` and `d`. Now only `b` is observed separately, but `c` stays merged.
    registry.set_closed_retention(Duration::ZERO, 0);
    assert!(registry.unregister(&a) && registry.unregister(&d));
    c.requests.add(10);
    let (now, sum) = collect();
    assert_eq!(now, map(&[("b", 2), ("true", 17)]));
    assert_eq!(sum, map(&[("a", 1), ("b", 2), ("true", 17)]));
    // The SDK could still keep `a` for a reader that has not collected since. So for some minutes, the adapter counts
    // `a` towards the limit, and a new label set is merged too.
    let new = open(&registry, "e");
    new.requests.add(100);
    drop(c);
    for _ in 0..2 {
        let (now, sum) = collect();
        assert_eq!(now, map(&[("b", 2), ("true", 117)]));
        assert_eq!(sum, map(&[("a", 1), ("b", 2), ("true", 117)]));
    }
    // A merged label set is forgotten, and opened again before the next collection.
    assert!(registry.unregister(&new));
    let new = open(&registry, "e");
    new.requests.add(1000);
    assert_eq!(collect().1["true"], 1117);
    // All merged label sets are forgotten.
    assert!(registry.unregister(&new));
    for _ in 0..2 {
        let (now, sum) = collect();
        assert_eq!((now["true"], sum["true"]), (1117, 1117));
    }
    assert_eq!(problems(&registry), [""; 0]);
}

#[test]
fn histograms_beyond_the_limit_are_added_up_and_reported() {
    #[derive(Default, Metrics)]
    struct Latencies {
        append: Histogram,
    }
    let registry = Registry::new();
    let (provider, [cumulative, _]) = provider(2);
    let exported = OpenTelemetry::new(&registry, &provider.meter("papyra"));
    let _exported = exported.with_cardinality_limit(2);
    let backends = ["a", "b", "c", "d"].map(|name| {
        let metrics = Arc::new(Latencies::default());
        registry.register(metrics.clone(), &[("backend", name)]).unwrap();
        metrics.append.record_n(Duration::from_micros(3), 5);
        metrics
    });
    let counts: Vec<_> = points(&cumulative, "append").into_values().collect();
    assert_eq!(counts, [5, 5, 10]);
    assert_eq!(
        problems(&registry),
        [
            "`append_seconds` has more label sets than the 2 that the SDK of OpenTelemetry keeps, so it adds up the others \
             under the attribute `otel.metric.overflow`; use fewer label sets, or raise the limit in a view and with \
             `with_cardinality_limit`"
        ]
    );
    drop(backends);
}
