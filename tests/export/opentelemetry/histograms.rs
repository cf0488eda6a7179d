//! Tests float gauges and histograms. The adapter replays a histogram: it records the values again in a histogram of
//! the SDK.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use papyra_metrics::{
    Bucket, Descriptor, Distribution, FloatGauge, Histogram, Latency, Metrics, Sizes, Value, Walker,
};
use papyra_metrics_export::{Registry, RegistryReader};
use papyra_metrics_export_tests::wait_for;

use super::receiver::{Pipeline, Received};

#[derive(Default, Metrics)]
struct Latencies {
    /// How long an append takes.
    append: Histogram,
    record_size: Histogram<Sizes>,
}

#[derive(Default, Metrics)]
struct Cache {
    fill: FloatGauge,
}

fn open(registry: &Registry, name: &str) -> Arc<Latencies> {
    let metrics = Arc::new(Latencies::default());
    registry.register(metrics.clone(), &[("backend", name)]).unwrap();
    metrics
}

/// Returns the histogram of this name that the reader returns for the backend `orders`.
fn total(reader: &mut RegistryReader, name: &str) -> Distribution {
    let labels = [("backend", "orders")];
    let mut samples = reader.read();
    let sample = samples.find(|it| it.name() == name && it.labels().iter().eq(labels)).unwrap();
    sample.value().as_histogram().unwrap().clone()
}

#[track_caller]
fn assert_received(received: &Received, name: &str, expected: &Distribution) {
    let buckets = &received.histograms[name];
    let last = buckets.bounds.len();
    let expected_buckets: Vec<_> = expected.buckets().collect();
    let bounds: Vec<_> = expected_buckets[..last].iter().map(Bucket::upper).collect();
    let counts: Vec<_> = expected_buckets.iter().map(Bucket::count).collect();
    assert_eq!((&buckets.bounds, &buckets.counts), (&bounds, &counts), "{name}");
    let difference = (buckets.sum - expected.sum()).abs();
    assert!(difference <= 1e-12 * expected.sum(), "{name}: {buckets:?}, {expected:?}");
}

#[test]
fn both_readers_have_the_count_of_each_bucket_over_resets_and_reopened_backends() {
    let registry = Registry::with_prefix("papyra").unwrap();
    let pipeline = Pipeline::start();
    let _observed = pipeline.observe(&registry);
    let mut nanos = 1_u64;
    let (append, record_size) = (Histogram::<Latency>::new(), Histogram::<Sizes>::new());
    for opened in 0..6 {
        let orders = open(&registry, "orders");
        for round in 0..5 {
            for _ in 0..20 {
                nanos = nanos.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let value = nanos >> (24 + nanos % 40);
                orders.append.record(Duration::from_nanos(value));
                orders.record_size.record(value);
                append.record(Duration::from_nanos(value));
                record_size.record(value);
            }
            if round % 2 == 0 {
                pipeline.collect();
            }
            if round == 3 {
                orders.reset();
            }
        }
        // In every other round, no reader collects between closing and reopening the backend.
        drop(orders);
        if opened % 2 == 0 {
            pipeline.collect();
        }
    }
    let received = pipeline.collect();
    assert_received(&received, "papyra.append backend=orders", &append.total().erase());
    assert_received(&received, "papyra.record_size backend=orders", &record_size.total().erase());
    let about = |unit: &str, help: &str| (unit.to_owned(), help.to_owned());
    assert_eq!(received.about["papyra.append"], about("s", "How long an append takes."));
    assert_eq!(received.about["papyra.record_size"], about("By", ""));
    let names: Vec<_> = received.about.keys().collect();
    assert_eq!(names, ["papyra.append", "papyra.record_size"]);
    assert_eq!(registry.problems(), []);
}

#[test]
fn floats_arrive_unchanged() {
    let registry = Registry::new();
    let pipeline = Pipeline::start();
    let _observed = pipeline.observe(&registry);
    let cache = Arc::new(Cache::default());
    registry.register(cache.clone(), &[("backend", "orders")]).unwrap();
    for level in [0.5, -1.25, 1e300] {
        cache.fill.set(level);
        let received = pipeline.collect();
        assert_eq!(received.float_gauges.get("fill backend=orders"), Some(&level));
        assert!(received.gauges.is_empty());
    }
}

#[test]
fn a_gauge_that_changes_from_integers_to_floats_arrives_each_time() {
    /// A gauge that returns an integer if its value is integral, and otherwise a float.
    struct Load(AtomicU32);

    const LOAD: &[Descriptor] = &[Descriptor::gauge("load")];

    impl Metrics for Load {
        fn descriptors(&self) -> &[Descriptor] {
            LOAD
        }

        fn walk(&self, walker: &mut dyn Walker) {
            let tenths = self.0.load(Relaxed);
            walker.instrument(&match tenths % 10 {
                0 => Value::Gauge(i64::from(tenths / 10)),
                _ => Value::Float(f64::from(tenths) / 10.0),
            });
        }
    }

    let registry = Registry::new();
    let pipeline = Pipeline::start();
    let _observed = pipeline.observe(&registry);
    let load = registry.register_owned(Load(20.into()), &[]).unwrap();
    assert_eq!(pipeline.collect().gauges["load "], 2);
    load.0.store(25, Relaxed);
    assert_eq!(pipeline.collect().float_gauges.get("load "), Some(&2.5));
    load.0.store(30, Relaxed);
    assert_eq!(pipeline.collect().gauges["load "], 3);
}

/// Metrics whose histogram is absent until `is_present` is set.
#[derive(Default)]
struct Late {
    append: Histogram,
    is_present: AtomicBool,
}

const LATE: &[Descriptor] = &[Descriptor::histogram("append").with_unit("seconds")];

impl Metrics for Late {
    fn descriptors(&self) -> &[Descriptor] {
        LATE
    }

    fn walk(&self, walker: &mut dyn Walker) {
        if self.is_present.load(Relaxed) {
            walker.instrument(&self.append);
        } else {
            walker.absent(1);
        }
    }
}

#[test]
fn a_histogram_that_is_absent_at_first_arrives_with_all_values() {
    let registry = Registry::new();
    let pipeline = Pipeline::start();
    let _observed = pipeline.observe(&registry);
    let late = Arc::new(Late::default());
    registry.register(late.clone(), &[("backend", "orders")]).unwrap();
    late.append.record(Duration::from_micros(3));
    assert!(pipeline.collect().histograms.is_empty());
    late.is_present.store(true, Relaxed);
    wait_for("the histogram in both receivers", || {
        pipeline.provider.force_flush().unwrap();
        let received = [pipeline.cumulative.received(), pipeline.delta.received()];
        received.iter().all(|received| !received.histograms.is_empty()).then_some(())
    });
    let mut reader = RegistryReader::new(&registry);
    for _ in 0..3 {
        late.append.record(Duration::from_millis(3));
        let received = pipeline.collect();
        assert_received(&received, "append backend=orders", &total(&mut reader, "append_seconds"));
    }
}

#[test]
fn after_build_missing_a_histogram_that_was_absent_arrives_with_a_single_flush() {
    let registry = Registry::new();
    let pipeline = Pipeline::start();
    let observed = pipeline.observe(&registry);
    let late = Arc::new(Late::default());
    registry.register(late.clone(), &[("backend", "orders")]).unwrap();
    late.is_present.store(true, Relaxed);
    late.append.record(Duration::from_micros(3));
    observed.build_missing();
    let mut reader = RegistryReader::new(&registry);
    let received = pipeline.collect();
    assert_received(&received, "append backend=orders", &total(&mut reader, "append_seconds"));
}

#[test]
fn values_beyond_the_limit_of_one_collection_follow_in_later_ones() {
    let registry = Registry::new();
    let pipeline = Pipeline::start();
    let _observed = pipeline.observe(&registry);
    let orders = open(&registry, "orders");
    orders.append.record_n(Duration::from_micros(7), 1_200_000);
    orders.append.record_n(Duration::from_secs(1000), 1_300_000);
    orders.record_size.record_n(100, 3);
    // One collection replays at most a million values, and replays them into both readers. The readers collect one
    // after the other, so the second reader has twice as many values.
    pipeline.provider.force_flush().unwrap();
    let counts = |received: &Received| {
        received.histograms["append backend=orders"].counts.iter().sum::<u64>()
    };
    assert_eq!(counts(&pipeline.cumulative.received()), 1_000_000);
    assert_eq!(counts(&pipeline.delta.received()), 2_000_000);
    let problems: Vec<_> = registry.problems().iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].starts_with("500000 values of `append_seconds`"), "{problems:?}");
    assert!(problems[1].starts_with("3 values of `record_size_bytes`"), "{problems:?}");
    let mut reader = RegistryReader::new(&registry);
    let received = pipeline.collect();
    assert_received(&received, "append backend=orders", &total(&mut reader, "append_seconds"));
    assert_received(
        &received,
        "record_size backend=orders",
        &total(&mut reader, "record_size_bytes"),
    );
    pipeline.collect();
    assert_eq!(registry.problems(), []);
}
