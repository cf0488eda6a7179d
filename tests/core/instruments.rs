//! Counters, gauges and peaks, used as a backend uses them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};

use papyra_metrics::{
    CachePadded, Counter, Gauge, GaugeInteger, Instrument, Kind, Peak, ShardedCounter,
};

static COUNTER: Counter = Counter::new();
static GAUGE: Gauge = Gauge::new();
static SHARDED: ShardedCounter = ShardedCounter::new();
static PADDED: CachePadded<Counter> = CachePadded::new(Counter::new());

#[test]
fn instruments_are_const_send_sync_default_and_debug() {
    fn check<T: Send + Sync + Default + std::fmt::Debug>() {}
    check::<Counter>();
    check::<Gauge>();
    check::<ShardedCounter>();
    check::<CachePadded<Gauge>>();
    SHARDED.inc();
    assert_eq!(format!("{SHARDED:?}"), "ShardedCounter { value: 1, total: 1 }");
    PADDED.inc();
    assert_eq!(format!("{PADDED:?}"), "Counter { value: 1, total: 1 }");
    COUNTER.inc();
    GAUGE.dec();
    assert_eq!((COUNTER.get(), GAUGE.get()), (1, -1));
    assert_eq!(format!("{COUNTER:?} {GAUGE:?}"), "Counter { value: 1, total: 1 } Gauge(-1)");
}

#[test]
fn instruments_consist_of_inline_atomics() {
    assert_eq!((size_of::<Counter>(), size_of::<Gauge>()), (16, 8));
    assert_eq!((size_of::<CachePadded<Counter>>(), align_of::<CachePadded<Gauge>>()), (128, 128));
    if cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")) {
        assert_eq!(size_of::<ShardedCounter>(), 8_264);
    }
}

/// Runs each test for `Counter` and for `ShardedCounter`, which have the same methods and guarantees.
macro_rules! for_both_counters {
    ($($name:ident, $counter:ident;)*) => {$(
        mod $name {
            use papyra_metrics::{Instrument, $counter as Counter};

            #[test]
            fn a_reset_empties_a_counter_and_keeps_its_total() {
                let counter = Counter::new();
                counter.add(5);
                assert_eq!(counter.take(), 5);
                assert_eq!(counter.take(), 0);
                counter.add(2);
                counter.reset();
                counter.inc();
                assert_eq!((counter.get(), counter.total()), (1, 8));
            }

            #[test]
            fn a_counter_that_overflows_wraps_and_reads_correctly() {
                let counter = Counter::new();
                counter.add(u64::MAX);
                counter.reset();
                counter.add(3);
                assert_eq!((counter.get(), counter.total()), (3, 2));
                assert_eq!(counter.take(), 3);
                assert_eq!(counter.get(), 0);
            }

            #[test]
            fn a_counter_implements_inc_and_instrument_and_counts_errors() {
                let counter = Counter::new();
                papyra_metrics::Inc::inc(&counter);
                assert!(counter.count_err(Err::<(), _>(())).is_err());
                assert_eq!(counter.count_err(Ok::<_, ()>(3)), Ok(3));
                assert_eq!(Instrument::value(&counter), 2);
                assert_eq!(Instrument::take(&counter), 2);
                Instrument::reset(&counter);
                assert_eq!(Instrument::value(&counter), 0);
                assert_eq!(Instrument::total(&counter), 2);
            }
        }
    )*};
}
for_both_counters! {
    plain, Counter;
    sharded, ShardedCounter;
}

#[test]
fn a_gauge_goes_up_and_down_wraps_and_ignores_resets() {
    let gauge = Gauge::new();
    gauge.add(5);
    gauge.sub(7);
    gauge.inc();
    assert_eq!(gauge.get(), -1);
    gauge.set(i64::MAX);
    gauge.inc();
    assert_eq!(gauge.get(), i64::MIN);
    gauge.reset();
    assert_eq!(gauge.take(), i64::MIN);
}

#[test]
fn gauges_and_peaks_accept_integers_of_any_type_and_clamp_those_out_of_range() {
    let gauge = Gauge::new();
    gauge.set([1, 2, 3].len());
    gauge.add(4_u64);
    gauge.sub(9_i8);
    assert_eq!(gauge.get(), -2);
    gauge.set(u64::MAX);
    assert_eq!(gauge.get(), i64::MAX);
    gauge.set(i128::MIN);
    assert_eq!(gauge.get(), i64::MIN);

    let buffered = Gauge::new();
    let mut held = buffered.hold(2_usize);
    assert_eq!(buffered.get(), 2);
    held.set(u128::MAX);
    assert_eq!((buffered.get(), held.get()), (i64::MAX, i64::MAX));
    drop(held);
    assert_eq!(buffered.get(), 0);

    let largest = Peak::new();
    largest.record("record".len());
    largest.record(-1);
    assert_eq!(largest.take(), 6);
    largest.record(u64::MAX);
    assert_eq!(largest.get(), i64::MAX);
}

#[test]
fn a_gauge_accepts_a_user_defined_integer_type() {
    struct Pages(u32);

    impl GaugeInteger for Pages {
        fn into_gauge(self) -> i64 {
            i64::from(self.0) * 4096
        }
    }

    let gauge = Gauge::new();
    gauge.add(Pages(2));
    assert_eq!(gauge.get(), 8192);
}

#[test]
fn count_err_counts_errors_and_returns_the_same_value() {
    let errors = Counter::new();
    let error: Box<str> = "full".into();
    let address = error.as_ptr();
    let out = errors.count_err(Err::<(), _>(error)).unwrap_err();
    assert_eq!(out.as_ptr(), address);
    assert_eq!(errors.count_err(Ok::<_, ()>(3)), Ok(3));
    assert_eq!(errors.get(), 1);
}

#[test]
fn atomics_and_pointers_are_instruments_too() {
    fn read<I: Instrument>(instrument: &I) -> (Kind, String) {
        (I::KIND, instrument.value().to_string())
    }
    assert_eq!(read(&AtomicU64::new(3)), (Kind::Counter, "3".to_owned()));
    assert_eq!(read(&AtomicI64::new(-3)), (Kind::Gauge, "-3".to_owned()));
    assert_eq!(read(&&Arc::new(Box::new(Gauge::new()))), (Kind::Gauge, "0".to_owned()));
    let shared = Arc::new(Counter::new());
    shared.add(4);
    assert_eq!(Instrument::take(&shared), 4);
    assert_eq!(Instrument::value(&shared), 0);
    assert_eq!(Instrument::total(&shared), 4);
}
