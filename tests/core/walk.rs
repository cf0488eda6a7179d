//! The calls that a derived `walk` makes to its walker, and snapshots of metrics with a hand-written `walk`.

use std::sync::atomic::AtomicU64;

use papyra_metrics::walk::{ErasedInstrument, Walker};
use papyra_metrics::{CachePadded, Counter, Descriptor, Gauge, Metrics, ShardedCounter, Value};

#[derive(Default, Metrics)]
struct CacheMetrics {
    hits: Counter,
    misses: Counter,
}

#[derive(Default, Metrics)]
struct LogMetrics {
    reads: Counter,
    writes: Counter,
    open: Gauge,
    #[metrics(flatten, prefix = "absent_")]
    absent: Option<CacheMetrics>,
    scans: ShardedCounter,
    #[metrics(flatten, prefix = "present_")]
    present: Option<CacheMetrics>,
    old: AtomicU64,
    padded: CachePadded<Counter>,
}

/// A walker that implements only the required method.
#[derive(Default)]
struct Totals(Vec<Option<Value>>);

impl Walker for Totals {
    fn metric(&mut self, instrument: Option<&dyn ErasedInstrument>) {
        self.0.push(instrument.map(ErasedInstrument::read_total));
    }
}

#[test]
fn a_walker_with_one_method_receives_every_metric_in_order_and_the_absent_ones_too() {
    let metrics = LogMetrics { present: Some(CacheMetrics::default()), ..LogMetrics::default() };
    metrics.reads.add(1);
    metrics.writes.add(2);
    metrics.writes.reset();
    metrics.open.set(3);
    metrics.scans.add(4);
    metrics.present.as_ref().unwrap().hits.add(5);
    metrics.padded.add(6);
    let mut totals = Totals::default();
    metrics.walk(&mut totals);
    let expected =
        [Some(1), Some(2), Some(3), None, None, Some(4), Some(5), Some(0), Some(0), Some(6)];
    assert_eq!(totals.0.len(), metrics.descriptors().len());
    for (i, (value, expected)) in totals.0.iter().zip(expected).enumerate() {
        assert_eq!(value.as_ref().and_then(Value::as_u64), expected, "metric {i}");
    }
}

#[test]
fn long_runs_of_padded_instruments_are_read_completely_and_in_order() {
    macro_rules! struct_of_padded {
        ($($name:ident)*) => {
            #[derive(Default, Metrics)]
            struct Padded { $($name: CachePadded<Counter>,)* }

            impl Padded {
                fn counters(&self) -> Vec<&Counter> { vec![$(&self.$name),*] }
            }
        };
    }
    struct_of_padded!(a b c d e f g h i j k l m n o p q r s t u v w x y z aa ab ac ad ae af ag);
    let metrics = Padded::default();
    for (counter, n) in metrics.counters().into_iter().zip(1..) {
        counter.add(n);
    }
    let snapshot = metrics.snapshot();
    assert_eq!(snapshot.len(), 33);
    for (i, (name, value)) in snapshot.iter().enumerate() {
        assert_eq!(name, metrics.descriptors()[i].name());
        assert_eq!(value.as_u64(), Some(i as u64 + 1), "{name}");
    }
}

/// Metrics that list two descriptors. Their `walk` passes `passed` values to the walker.
struct ByHand {
    passed: i64,
    is_static: bool,
}

const LISTED: &[Descriptor] = &[Descriptor::gauge("first"), Descriptor::gauge("second")];

impl Metrics for ByHand {
    fn descriptors(&self) -> &[Descriptor] {
        LISTED
    }

    fn walk(&self, walker: &mut dyn Walker) {
        for number in 0..self.passed {
            walker.instrument(&Value::Gauge(number));
        }
    }

    fn static_descriptors(&self) -> Option<&'static [Descriptor]> {
        self.is_static.then_some(LISTED)
    }
}

#[test]
fn a_value_computed_during_the_walk_is_the_same_in_every_reading() {
    let metrics = ByHand { passed: 2, is_static: false };
    metrics.reset();
    for snapshot in [metrics.snapshot(), metrics.totals(), metrics.drain(), metrics.snapshot()] {
        assert_eq!(snapshot.to_string(), "first: 0\nsecond: 1");
    }
}

#[test]
fn readings_end_where_the_walk_or_the_list_of_descriptors_ends() {
    for is_static in [false, true] {
        for (passed, expected) in [(0, ""), (1, "first: 0"), (3, "first: 0\nsecond: 1")] {
            let metrics = ByHand { passed, is_static };
            let snapshot = metrics.snapshot();
            assert_eq!(snapshot.to_string(), expected);
            assert_eq!(snapshot.len(), snapshot.iter().count());
            let mut visited = Vec::new();
            metrics.visit(&mut |descriptor, value| {
                visited.push(format!("{}: {value}", descriptor.name()));
            });
            assert_eq!(visited.join("\n"), expected);
        }
    }
}
