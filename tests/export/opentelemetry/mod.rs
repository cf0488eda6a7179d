//! Tests the OpenTelemetry adapter. The SDK sends the values over OTLP to a receiver, which decodes them and sums the
//! data points.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::{SdkMeterProvider, Temporality};
use papyra_metrics::{Counter, Descriptor, Metrics, Value, Walker};
use papyra_metrics_export::Registry;
use papyra_metrics_export::opentelemetry::OpenTelemetry;

use crate::log::open;
use crate::sdk::{SharedReader, collect};
use receiver::Pipeline;

mod cardinality;
mod histograms;
pub(crate) mod receiver;
#[cfg(target_os = "linux")]
mod threads;

#[test]
fn names_units_descriptions_attributes_and_values_arrive() {
    let registry = Registry::with_prefix("papyra.storage").unwrap();
    let pipeline = Pipeline::start();
    let _observed = pipeline.observe(&registry);
    let (orders, users) = (open(&registry, "orders"), open(&registry, "users"));
    orders.records_written.add(3);
    users.bytes_written.add(40);
    users.open_segments.set(-2);
    let received = pipeline.collect();
    let about =
        |name: &str, unit: &str, help: &str| (name.to_owned(), (unit.to_owned(), help.to_owned()));
    assert_eq!(
        received.about,
        BTreeMap::from([
            about("papyra.storage.records_written", "{record}", "Records appended."),
            about("papyra.storage.written", "By", ""),
            about("papyra.storage.compactions", "{compaction}", ""),
            about("papyra.storage.open_segments", "{segment}", ""),
        ])
    );
    assert_eq!(received.totals["papyra.storage.records_written backend=orders"], 3);
    assert_eq!(received.totals["papyra.storage.records_written backend=users"], 0);
    assert_eq!(received.totals["papyra.storage.written backend=users"], 40);
    assert_eq!(received.gauges["papyra.storage.open_segments backend=users"], -2);
    assert_eq!((received.totals.len(), received.gauges.len()), (6, 2));
}

#[test]
fn a_receiver_adds_up_what_was_counted_over_resets_and_reopened_backends() {
    let registry = Registry::new();
    let pipeline = Pipeline::start();
    let _observed = pipeline.observe(&registry);
    let other = open(&registry, "other");
    let mut counted = 0;
    for opened in 0..8 {
        let metrics = open(&registry, "orders");
        for n in [100, 50, 0, 10, 150] {
            metrics.records_written.add(n);
            other.bytes_written.add(1);
            counted += i64::try_from(n).unwrap();
            // In some rounds, no reader collects before the metrics are reset or drained.
            if (opened + n) % 3 != 0 {
                let received = pipeline.collect();
                assert_eq!(received.totals["records_written backend=orders"], counted);
            }
            match n {
                50 => metrics.reset(),
                150 => drop(metrics.drain()),
                _ => {}
            }
        }
        metrics.open_segments.set(1);
        drop(metrics);
        if opened % 2 == 0 {
            let received = pipeline.collect();
            assert_eq!(received.totals["records_written backend=orders"], counted);
            // The totals of a closed backend are still exported, but its gauges are not. In the SDK, the callbacks that
            // run for one reader write their values into all readers. So a reader may return an old value of the gauge
            // in one more collection. The test therefore collects once more before it compares.
            pipeline.collect();
            for received in [pipeline.cumulative.received(), pipeline.delta.received()] {
                let levels: Vec<_> = received.gauges.keys().collect();
                assert_eq!(levels, ["open_segments backend=other"]);
                assert_eq!(received.totals["records_written backend=orders"], counted);
            }
        }
    }
    let received = pipeline.collect();
    assert_eq!(received.totals["records_written backend=orders"], 8 * 310);
    assert_eq!(received.totals["written backend=other"], 8 * 5);
}

#[test]
fn a_plain_atomic_that_falls_neither_stops_the_readers_nor_is_counted_twice() {
    let registry = Registry::new();
    let pipeline = Pipeline::start();
    let _observed = pipeline.observe(&registry);
    let metrics = open(&registry, "orders");
    let mut seen = Vec::new();
    for (counted, reset) in [(100, false), (50, false), (0, true), (20, false), (5, false)] {
        if reset {
            metrics.reset();
        }
        metrics.compactions.fetch_add(counted, Relaxed);
        seen.push(pipeline.collect().totals["compactions backend=orders"]);
    }
    assert_eq!(seen, [100, 150, 150, 170, 175]);
}

#[test]
fn backends_and_names_that_come_later_are_observed_too() {
    #[derive(Default, Metrics)]
    struct CacheMetrics {
        hits: Counter,
    }
    let registry = Registry::new();
    let pipeline = Pipeline::start();
    let _observed = pipeline.observe(&registry);
    let log = open(&registry, "orders");
    log.records_written.inc();
    pipeline.collect();
    let cache = Arc::new(CacheMetrics::default());
    registry.register(cache.clone(), &[]).unwrap();
    cache.hits.add(2);
    log.records_written.inc();
    for _ in 0..3 {
        let received = pipeline.collect();
        assert_eq!(received.totals["hits "], 2);
        assert_eq!(received.totals["records_written backend=orders"], 2);
    }
}

/// A counter that panics on request.
struct PanickingCounter {
    total: AtomicU64,
    panics: AtomicBool,
}

const PANICKING: &[Descriptor] = &[Descriptor::counter("writes")];

impl Metrics for PanickingCounter {
    fn descriptors(&self) -> &[Descriptor] {
        PANICKING
    }

    fn walk(&self, walker: &mut dyn Walker) {
        assert!(!self.panics.load(Relaxed), "the disk has failed");
        walker.instrument(&Value::Counter(self.total.load(Relaxed)));
    }
}

#[test]
fn a_backend_that_panics_neither_stops_the_readers_nor_is_counted_twice() {
    let registry = Registry::new();
    let pipeline = Pipeline::start();
    let _observed = pipeline.observe(&registry);
    let panicking = Arc::new(PanickingCounter { total: 100.into(), panics: false.into() });
    registry.register(panicking.clone(), &[]).unwrap();
    assert_eq!(pipeline.collect().totals["writes "], 100);
    panicking.panics.store(true, Relaxed);
    panicking.total.store(105, Relaxed);
    assert_eq!(pipeline.collect().totals["writes "], 100);
    panicking.panics.store(false, Relaxed);
    panicking.total.store(110, Relaxed);
    assert_eq!(pipeline.collect().totals["writes "], 110);
}

#[test]
fn concurrent_readers_receive_every_count_while_backends_come_and_go() {
    let registry = Registry::new();
    let pipeline = Pipeline::start();
    let _observed = pipeline.observe(&registry);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    pipeline.provider.force_flush().unwrap();
                }
            });
        }
        for _ in 0..100 {
            let metrics = open(&registry, "orders");
            for _ in 0..10 {
                metrics.records_written.inc();
                metrics.reset();
            }
        }
        done.store(true, Relaxed);
    });
    assert_eq!(pipeline.collect().totals["records_written backend=orders"], 1000);
}

#[test]
fn names_that_differ_only_in_their_units_stay_distinct() {
    #[derive(Default, Metrics)]
    struct ReadMetrics {
        #[metrics(unit = "bytes")]
        read_bytes: Counter,
        #[metrics(unit = "seconds")]
        read_seconds: Counter,
        #[metrics(name = "_hidden")]
        hidden: Counter,
    }
    let registry = Registry::new();
    let pipeline = Pipeline::start();
    let _observed = pipeline.observe(&registry);
    let metrics = Arc::new(ReadMetrics::default());
    registry.register(metrics.clone(), &[]).unwrap();
    metrics.read_bytes.add(5);
    metrics.read_seconds.add(7);
    metrics.hidden.add(9);
    let received = pipeline.collect();
    let expected = [("hidden ", 9), ("read ", 5), ("read_seconds ", 7)];
    let expected = expected.map(|(name, total)| (name.to_owned(), total));
    assert_eq!(received.totals, BTreeMap::from(expected));
}

#[test]
fn a_metric_whose_name_another_one_has_is_exported_with_its_kind_and_reported() {
    const METRICS: &[Descriptor] = &[
        Descriptor::counter("latency_seconds").with_unit("seconds"),
        Descriptor::counter("latency"),
        Descriptor::gauge("level"),
        Descriptor::gauge("Level"),
        Descriptor::gauge("LEVEL"),
    ];
    struct Alike;
    impl Metrics for Alike {
        fn descriptors(&self) -> &[Descriptor] {
            METRICS
        }

        fn walk(&self, walker: &mut dyn Walker) {
            for total in [3, 5] {
                walker.instrument(&Value::Counter(total));
            }
            for level in [7, 9, 11] {
                walker.instrument(&Value::Gauge(level));
            }
        }
    }
    let registry = Registry::with_prefix("shop").unwrap();
    let pipeline = Pipeline::start();
    let _observed = pipeline.observe(&registry);
    let _alike = registry.register_owned(Alike, &[]).unwrap();
    let received = pipeline.collect();
    let named = |values: &[(&str, i64)]| -> BTreeMap<String, i64> {
        values.iter().map(|&(name, value)| (name.to_owned(), value)).collect()
    };
    assert_eq!(received.totals, named(&[("shop.latency ", 3), ("shop.latency_counter ", 5)]));
    assert_eq!(received.gauges, named(&[("shop.level ", 7), ("shop.Level_gauge ", 9)]));
    let problems: Vec<_> = registry.problems().iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "`shop_latency` is exported to OpenTelemetry as `shop.latency_counter`, because `shop_latency_seconds` \
             already has the name `shop.latency` there; rename one of them",
            "`shop_Level` is exported to OpenTelemetry as `shop.Level_gauge`, because `shop_level` already has the name \
             `shop.level` there, and case is ignored; rename one of them",
            "`shop_LEVEL` is not exported to OpenTelemetry, because `shop_level` already has the name `shop.level` \
             there, and case is ignored; rename one of them",
        ]
    );
}

#[test]
fn names_that_differ_only_in_leading_underscores_stay_distinct() {
    #[derive(Default, Metrics)]
    struct Names {
        reads: Counter,
        #[metrics(name = "_reads")]
        hidden: Counter,
        #[metrics(name = "__reads")]
        twice: Counter,
        #[metrics(name = "_1")]
        number: Counter,
    }
    let registry = Registry::new();
    let pipeline = Pipeline::start();
    let _observed = pipeline.observe(&registry);
    let metrics = Arc::new(Names::default());
    registry.register(metrics.clone(), &[]).unwrap();
    metrics.reads.add(5);
    metrics.hidden.add(7);
    metrics.twice.add(9);
    metrics.number.add(11);
    let received = pipeline.collect();
    let expected = [("reads ", 5), ("n_reads ", 7), ("n__reads ", 9), ("n1 ", 11)];
    let expected = expected.map(|(name, total)| (name.to_owned(), total));
    assert_eq!(received.totals, BTreeMap::from(expected));
    assert!(registry.problems().is_empty());
}

#[test]
fn names_and_units_that_the_sdk_refuses_are_reported() {
    // A name of 256 characters, followed by `$end` if it is given.
    macro_rules! long_name {
        ($($end:literal)?) => {
            concat!(
        "a2345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234",
        "567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456",
        "78901234567890123456789012345678901234567890123456"
                $(, $end)?
            )
        };
    }
    const LONG: &str = long_name!();
    const LONGER: &str = long_name!("b");
    const UNIT: &str = "a23456789012345678901234567890123456789012345678901234567890_64b";
    const METRICS: &[Descriptor] = &[
        Descriptor::counter("writes"),
        Descriptor::counter("of_long_unit").with_unit(UNIT),
        Descriptor::counter(LONG),
        Descriptor::counter(LONGER),
    ];
    struct Odd;
    impl Metrics for Odd {
        fn descriptors(&self) -> &[Descriptor] {
            METRICS
        }

        fn walk(&self, walker: &mut dyn Walker) {
            for total in [11, 13, 17, 19] {
                walker.instrument(&Value::Counter(total));
            }
        }
    }
    assert_eq!((LONG.len(), UNIT.len()), (256, 64));
    let registry = Registry::new();
    let pipeline = Pipeline::start();
    let observed = pipeline.observe(&registry);
    let _odd = registry.register_owned(Odd, &[]).unwrap();
    let received = pipeline.collect();
    let shortened = &LONG[..255];
    let expected = [("writes ", 11), ("of_long_unit ", 13), (&*format!("{shortened} "), 17)]
        .map(|(name, total)| (name.to_owned(), total));
    assert_eq!(received.totals, BTreeMap::from(expected));
    assert_eq!(received.about["of_long_unit"].0, "");
    let problems = || registry.problems().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        problems(),
        [
            format!(
                "`of_long_unit_{UNIT}` is exported to OpenTelemetry without its unit, which exceeds 63 characters"
            ),
            format!(
                "`{LONG}` is exported to OpenTelemetry as `{shortened}`, because its name exceeds 255 characters; \
                 shorten it"
            ),
            format!(
                "`{LONG}b` is not exported to OpenTelemetry, because `{LONG}` already has the name `{shortened}` there; \
                 rename one of them"
            ),
        ]
    );
    drop(observed);
    assert!(problems().is_empty());
}

#[test]
fn a_total_never_falls_after_its_closed_backend_is_forgotten() {
    let registry = Registry::new();
    registry.set_closed_retention(Duration::from_secs(3600), 0);
    let pipeline = Pipeline::start();
    let _observed = pipeline.observe(&registry);
    for opened in 1..=4 {
        let metrics = open(&registry, "orders");
        metrics.records_written.add(10);
        assert_eq!(pipeline.collect().totals["records_written backend=orders"], opened * 10);
        // The registry forgets the closed backend at once. No reader collects before the backend is opened again.
        assert!(registry.unregister(&metrics));
    }
}

#[test]
fn a_total_begins_at_zero_if_a_collection_came_after_its_backend_was_forgotten() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let registry = Registry::new();
        registry.set_closed_retention(Duration::from_secs(3600), 0);
        let reader = SharedReader::new(temporality);
        let provider = SdkMeterProvider::builder().with_reader(reader.clone()).build();
        let _observed = OpenTelemetry::new(&registry, &provider.meter("papyra"));
        let total = || collect(&reader).get("records_written").copied();
        let metrics = open(&registry, "orders");
        metrics.records_written.add(10);
        assert_eq!(total(), Some(10));
        drop(metrics);
        assert_eq!(total(), None);
        let metrics = open(&registry, "orders");
        metrics.records_written.add(3);
        assert_eq!(total(), Some(3), "{temporality:?}");
    }
}

#[test]
fn metrics_that_are_registered_again_after_they_were_forgotten_count_once() {
    let registry = Registry::new();
    registry.set_closed_retention(Duration::ZERO, 0);
    let pipeline = Pipeline::start();
    let _observed = pipeline.observe(&registry);
    let metrics = open(&registry, "orders");
    for round in 1..=4 {
        metrics.records_written.add(10);
        assert_eq!(pipeline.collect().totals["records_written backend=orders"], round * 10);
        assert!(registry.unregister(&metrics));
        registry.register(metrics.clone(), &[("backend", "orders")]).unwrap();
    }
}

#[test]
fn nothing_is_observed_or_kept_once_the_adapter_is_dropped() {
    let registry = Registry::new();
    let pipeline = Pipeline::start();
    let observed = pipeline.observe(&registry);
    let metrics = open(&registry, "orders");
    let before = pipeline.collect();
    drop(observed);
    metrics.records_written.inc();
    metrics.open_segments.set(9);
    pipeline.collect();
    let after = pipeline.collect();
    assert_eq!(after.totals, before.totals);
    assert_eq!(after.gauges["open_segments backend=orders"], 0);
    drop(registry);
    assert_eq!(Arc::strong_count(&metrics), 1);
}
