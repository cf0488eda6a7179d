//! Histograms: the bucket of each value, means and quantiles, and concurrent calls of `take`, which lose no value. Also
//! peaks, float gauges, and the comparison of values.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use papyra_metrics::walk::ErasedInstrument;
use papyra_metrics::{
    Buckets, CachePadded, Counter, Distribution, FineLatency, FloatGauge, Gauge, Histogram, Kind,
    Latency, Metrics, Peak, ShardedHistogram, Sizes, Snapshot, Value, Walker, buckets,
};

buckets!(Tiny: u64 = [0, 10, 20, 40], unit = "pages");
buckets!(
    /// Docs and attributes are kept.
    #[derive(PartialEq)]
    pub CompactionTime: Duration = one_two_five(1ms, 1000s),
);
buckets!(Thresholds: Duration = [250us, 1.5ms, 20ms, 1s, 1min,]);
buckets!(Powers: Duration = powers(2, 1us, 1024us));
buckets!(One: u64 = [1]);

static LATENCY: Histogram = Histogram::new();
static FINE: ShardedHistogram<FineLatency> = ShardedHistogram::new();

#[test]
fn histograms_are_const_send_sync_default_and_debug() {
    fn check<T: Send + Sync + Default + std::fmt::Debug>() {}
    check::<Histogram>();
    check::<ShardedHistogram<Sizes>>();
    check::<FloatGauge>();
    check::<Peak>();
    LATENCY.record(Duration::from_micros(3));
    FINE.record(Duration::from_micros(3));
    assert_eq!(
        format!("{LATENCY:?}"),
        "Histogram { value: Distribution { count: 1, sum: 3µs, buckets: {5µs: 1} }, \
         total: Distribution { count: 1, sum: 3µs, buckets: {5µs: 1} } }"
    );
    assert!(format!("{FINE:?}").starts_with("ShardedHistogram { value: Distribution { count: 1,"));
}

#[test]
fn histograms_consist_of_inline_atomics() {
    assert_eq!(size_of::<Histogram>(), 29 * 32);
    assert_eq!(size_of::<Histogram<FineLatency>>(), 55 * 32);
    assert_eq!(size_of::<Histogram<Sizes>>(), 17 * 32);
    assert_eq!((size_of::<FloatGauge>(), size_of::<Peak>()), (8, 8));
    if cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")) {
        // The histogram contains a cache line with flags, 128 blocks of 512 bytes, and baselines padded to 512 bytes.
        assert_eq!(size_of::<ShardedHistogram>(), 64 + 128 * 512 + 512);
    }
}

#[test]
fn ready_made_buckets_have_the_documented_bounds() {
    let latency = Latency::BOUNDS;
    assert_eq!((latency.len(), latency[0], latency[27]), (28, 100, 100_000_000_000));
    assert_eq!(&latency[..5], [100, 200, 500, 1_000, 2_000]);
    let fine = FineLatency::BOUNDS;
    assert_eq!((fine.len(), fine[0], fine[53]), (54, 100, 70_000_000_000));
    assert_eq!(&fine[..7], [100, 150, 200, 300, 500, 700, 1_000]);
    let sizes = Sizes::BOUNDS;
    assert_eq!((sizes.len(), sizes[0], sizes[15]), (16, 64, 64 << 30));
    assert_eq!(
        (Latency::UNIT, FineLatency::UNIT, Sizes::UNIT),
        (Some("seconds"), Some("seconds"), Some("bytes"))
    );
}

#[test]
fn declared_buckets_have_the_declared_bounds() {
    assert_eq!(Tiny::BOUNDS, [0, 10, 20, 40]);
    assert_eq!((Tiny::UNIT, One::UNIT), (Some("pages"), None));
    assert_eq!(CompactionTime::BOUNDS.len(), 19);
    assert_eq!(Thresholds::BOUNDS, [250_000, 1_500_000, 20_000_000, 1_000_000_000, 60_000_000_000]);
    assert_eq!(Powers::BOUNDS.len(), 11);
    assert_eq!(Powers::BOUNDS[10], 1_024_000);
}

/// Runs each test for `Histogram` and for `ShardedHistogram`, which have the same methods and guarantees.
macro_rules! for_both_histograms {
    ($($name:ident, $histogram:ident;)*) => {$(
        mod $name {
            use super::*;
            use papyra_metrics::$histogram as Histogram;

            fn counts<B: Buckets>(histogram: &Histogram<B>) -> Vec<u64> {
                histogram.get().buckets().map(|bucket| bucket.count()).collect()
            }

            #[test]
            fn a_value_is_in_the_first_bucket_whose_bound_it_does_not_exceed() {
                let pages: Histogram<Tiny> = Histogram::new();
                for value in [0, 1, 10, 11, 20, 21, 40, 41, u64::MAX] {
                    pages.record(value);
                }
                assert_eq!(counts(&pages), [1, 2, 2, 2, 2]);
                let uppers: Vec<u64> = pages.get().buckets().map(|bucket| bucket.upper()).collect();
                assert_eq!(uppers, [0, 10, 20, 40, u64::MAX]);
                let times: Histogram<Thresholds> = Histogram::new();
                times.record(Duration::from_micros(250));
                times.record(Duration::from_nanos(250_001));
                times.record(Duration::ZERO);
                times.record(Duration::MAX);
                assert_eq!(counts(&times), [2, 1, 0, 0, 0, 1]);
            }

            #[test]
            fn every_bound_is_inclusive() {
                fn check<B: Buckets<Value = Duration>>() {
                    for (bucket, bound) in B::BOUNDS.iter().enumerate() {
                        let histogram: Box<Histogram<B>> = Box::default();
                        histogram.record(Duration::from_nanos(*bound));
                        histogram.record_n(Duration::from_nanos(bound + 1), 3);
                        let counts = counts(&histogram);
                        assert_eq!((counts[bucket], counts[bucket + 1]), (1, 3), "{bound} ns");
                    }
                }
                check::<Latency>();
                check::<FineLatency>();
                check::<CompactionTime>();
                check::<Powers>();
            }

            #[test]
            fn a_reset_empties_a_histogram_and_keeps_its_total() {
                let pages: Histogram<Tiny> = Histogram::new();
                pages.record_n(5, 2);
                pages.record(30);
                let taken = pages.take();
                assert_eq!((taken.count(), taken.sum()), (3, 40));
                assert_eq!(pages.take(), Distribution::new());
                pages.record(7);
                pages.reset();
                pages.record(50);
                assert_eq!((pages.get().count(), pages.get().sum()), (1, 50));
                assert_eq!((pages.total().count(), pages.total().sum()), (5, 97));
            }

            #[test]
            fn a_sum_that_overflows_wraps_and_is_correct_after_a_reset() {
                let pages: Histogram<Tiny> = Histogram::new();
                pages.record_n(u64::MAX, 2);
                pages.record_n(41, 1);
                pages.reset();
                pages.record(41);
                pages.record_n(50, 0);
                assert_eq!((pages.get().count(), pages.get().sum()), (1, 41));
            }

            #[test]
            fn a_closure_is_timed_unless_it_panics() {
                let append: Histogram = Histogram::new();
                let slept = Duration::from_millis(2);
                assert_eq!(append.time(|| { thread::sleep(slept); 3 }), 3);
                let panicked = catch_unwind(AssertUnwindSafe(|| append.time(|| panic!("no room"))));
                assert!(panicked.is_err());
                assert_eq!(append.get().count(), 1);
                assert!(append.get().sum() >= slept);
            }

            #[test]
            fn a_timer_records_once_when_dropped_or_stopped_and_not_when_discarded() {
                let append: Histogram = Histogram::new();
                drop(append.start());
                assert_eq!(append.get().count(), 1);
                let elapsed = append.start().stop();
                assert_eq!(append.get().count(), 2);
                assert!(append.get().sum() >= elapsed);
                append.start().discard();
                assert_eq!(append.get().count(), 2);
                let panicked = catch_unwind(AssertUnwindSafe(|| {
                    let _timer = append.start();
                    panic!("no room");
                }));
                assert!(panicked.is_err());
                assert_eq!(append.get().count(), 3);
            }

            #[test]
            fn concurrent_takes_return_each_count_and_each_sum_exactly_once() {
                const THREADS: u64 = 3;
                const EACH: u64 = 60_000;
                let pages: Histogram<Tiny> = Histogram::new();
                let start = Barrier::new(6);
                let running = AtomicU64::new(THREADS);
                let taken = thread::scope(|scope| {
                    for _ in 0..THREADS {
                        scope.spawn(|| {
                            start.wait();
                            for i in 0..EACH {
                                pages.record(i % 50);
                            }
                            running.fetch_sub(1, Ordering::Release);
                        });
                    }
                    let takers: Vec<_> = (0..2).map(|_| scope.spawn(|| {
                        start.wait();
                        let mut sum = Distribution::<Tiny>::new();
                        while running.load(Ordering::Acquire) > 0 {
                            sum.merge(&pages.take());
                        }
                        sum
                    })).collect();
                    start.wait();
                    let (mut last, mut sums) = (pages.total(), 0);
                    while running.load(Ordering::Acquire) > 0 {
                        let since_reset = pages.get();
                        let total = pages.total();
                        let sum_of_buckets: u64 = total.buckets().map(|bucket| bucket.count()).sum();
                        assert_eq!(total.count(), sum_of_buckets);
                        for ((now, before), since) in total.buckets().zip(last.buckets()).zip(since_reset.buckets()) {
                            assert!(now.count() >= before.count(), "a total fell");
                            assert!(since.count() <= now.count(), "a reading exceeds the total");
                        }
                        assert!(total.sum() >= sums, "a sum fell");
                        (last, sums) = (total.clone(), total.sum());
                    }
                    let mut taken = Distribution::<Tiny>::new();
                    for taker in takers {
                        taken.merge(&taker.join().unwrap());
                    }
                    taken
                });
                let mut all = taken;
                all.merge(&pages.take());
                let expected: u64 = (0..EACH).map(|i| i % 50).sum();
                assert_eq!((all.count(), all.sum()), (THREADS * EACH, THREADS * expected));
                assert_eq!(all, pages.total());
                let per_50_values: Vec<u64> = all.buckets().map(|bucket| bucket.count() * 50 / EACH / THREADS).collect();
                assert_eq!(per_50_values, [1, 10, 10, 20, 9]);
            }
        }
    )*};
}
for_both_histograms! {
    plain, Histogram;
    sharded, ShardedHistogram;
}

#[test]
fn a_quantile_is_in_the_bucket_of_the_true_quantile_and_rises_with_q() {
    fn check<B: Buckets<Value = u64>>(values: &mut [u64]) {
        let histogram: Histogram<B> = Histogram::new();
        for value in values.iter() {
            histogram.record(*value);
        }
        values.sort_unstable();
        let bucket = |value: u64| B::BOUNDS.iter().filter(|bound| **bound < value).count();
        let read = histogram.get();
        let erased = read.erase();
        let mut last = 0;
        for percent in 1..=100 {
            let rank = (values.len() * percent).div_ceil(100);
            let q = f64::from(u32::try_from(percent).unwrap()) / 100.0;
            let estimate = read.quantile(q).unwrap();
            assert_eq!(bucket(estimate), bucket(values[rank - 1]), "p{percent}: {estimate}");
            assert!(estimate >= last, "p{percent}: {estimate} after {last}");
            #[allow(clippy::cast_precision_loss)]
            let expected = estimate as f64;
            assert_eq!(erased.quantile(q), Some(expected));
            last = estimate;
        }
        assert_eq!(bucket(read.quantile(0.0).unwrap()), bucket(values[0]));
        assert_eq!(read.quantile(-3.0), read.quantile(0.0));
        assert_eq!(read.quantile(7.0), read.quantile(1.0));
        assert_eq!(read.quantile(f64::NAN), None);
    }
    let mut random = fastrand::Rng::with_seed(7);
    for round in 1..300_usize {
        let bits = 3 + round as u64 % 40;
        let mut values: Vec<u64> = (0..round).map(|_| random.u64(..) >> (64 - bits)).collect();
        check::<Tiny>(&mut values);
        check::<Sizes>(&mut values);
        check::<One>(&mut values);
    }
}

#[test]
fn the_only_value_of_a_bucket_is_read_exactly() {
    let append: Histogram = Histogram::new();
    append.record(Duration::from_nanos(81_234));
    let read = append.get();
    for q in [0.0, 0.5, 0.99, 1.0] {
        assert_eq!(read.quantile(q), Some(Duration::from_nanos(81_234)));
    }
    assert_eq!(read.max_bound(), Some(Duration::from_micros(100)));
    append.record(Duration::from_secs(500));
    assert_eq!(append.get().quantile(1.0), Some(Duration::from_secs(500)));
    assert_eq!(append.get().max_bound(), Some(Duration::MAX));
}

#[test]
fn the_mean_of_a_bucket_moves_its_quantiles() {
    let pages: Histogram<Tiny> = Histogram::new();
    pages.record_n(38, 100);
    assert_eq!(pages.get().quantile(0.5), Some(38));
    let plain_interpolation = 30;
    assert_ne!(pages.get().quantile(0.5), Some(plain_interpolation));
    pages.record_n(22, 100);
    assert_eq!(pages.get().quantile(0.5), Some(30));
    let bucket = pages.get().buckets().nth(3).unwrap();
    assert_eq!((bucket.upper(), bucket.count(), bucket.mean()), (40, 200, Some(30)));
}

#[test]
fn an_empty_distribution_has_no_quantile() {
    let read = Histogram::<Latency>::new().get();
    assert!(read.is_empty());
    assert_eq!((read.count(), read.sum()), (0, Duration::ZERO));
    assert_eq!((read.mean(), read.quantile(0.5), read.max_bound()), (None, None, None));
    assert_eq!(read.to_string(), "count 0");
    assert_eq!(Distribution::<Latency>::default(), read);
}

#[test]
fn the_mean_is_exact_even_if_a_sum_of_floats_is_not() {
    let sizes: Histogram<Sizes> = Histogram::new();
    sizes.record_n((1 << 40) + 1, 3_000_001);
    assert_eq!(sizes.get().mean(), Some((1 << 40) + 1));
    let pages: Histogram<Tiny> = Histogram::new();
    pages.record(1);
    pages.record(2);
    assert_eq!(pages.get().mean(), Some(2)); // the mean is 1.5, rounded up
    assert_eq!(pages.get().erase().mean(), Some(2.0));
}

#[test]
fn erased_distributions_are_read_in_the_exported_unit() {
    let append: Histogram = Histogram::new();
    append.record(Duration::from_micros(100));
    append.record(Duration::from_secs(300));
    let erased = append.get().erase();
    assert_eq!((erased.count(), erased.unit()), (2, Some("seconds")));
    assert!((erased.sum() - 300.0001).abs() < 1e-9);
    assert_eq!(erased.max_bound(), Some(f64::INFINITY));
    let uppers: Vec<f64> = erased.buckets().map(|bucket| bucket.upper()).collect();
    assert_eq!(uppers.len(), 29);
    // Each bound equals a float literal exactly, so the comparison needs no tolerance.
    #[allow(clippy::float_cmp)]
    {
        assert_eq!(uppers[..4], [1e-7, 2e-7, 5e-7, 1e-6]);
        assert_eq!((uppers[9], uppers[27]), (1e-4, 100.0));
    }
}

#[test]
fn distributions_are_merged_if_their_bounds_are_the_same() {
    let (a, b) = (Histogram::<Tiny>::new(), Histogram::<Tiny>::new());
    a.record(5);
    b.record_n(30, 2);
    let mut merged = a.get().erase();
    merged.merge(&b.get().erase()).unwrap();
    assert_eq!((merged.count(), merged.max_bound()), (3, Some(40.0)));
    let before = merged.clone();
    let error = merged.merge(&Histogram::<Sizes>::new().get().erase()).unwrap_err();
    assert!(error.to_string().contains("different bounds"), "{error}");
    assert_eq!(merged, before);
}

#[test]
fn since_returns_the_interval_or_everything_after_a_reset() {
    let pages: Histogram<Tiny> = Histogram::new();
    pages.record_n(5, 4);
    let earlier = pages.get();
    pages.record(30);
    assert_eq!(
        pages.get().since(&earlier).to_string(),
        "count 1, mean 30 pages, p50 30 pages, p99 30 pages, max ≤ 40 pages"
    );
    pages.reset();
    pages.record_n(30, 9); // one bucket now has more values than in `earlier`, and another bucket has fewer
    assert_eq!(pages.get().since(&earlier), pages.get());
    let erased = pages.get().erase();
    assert_eq!(erased.since(&Histogram::<Sizes>::new().get().erase()), erased);
}

#[test]
fn a_wrapped_sum_of_the_last_bucket_is_not_a_reset() {
    let pages: Histogram<Tiny> = Histogram::new();
    pages.record(5);
    pages.record_n(u64::MAX, 2); // each of the two values is recorded as i64::MAX
    let earlier = pages.get();
    pages.record(u64::MAX);
    let interval = pages.get().since(&earlier);
    assert_eq!((interval.count(), interval.sum()), (1, i64::MAX.unsigned_abs()));
}

#[test]
fn equal_distributions_have_equal_bounds_counts_and_sums() {
    let (a, b) = (Histogram::<Tiny>::new(), Histogram::<Tiny>::new());
    a.record(5);
    b.record(6);
    assert_ne!(a.get(), b.get());
    b.reset();
    b.record(5);
    assert_eq!(a.get(), b.get());
    let one: Histogram<One> = Histogram::new();
    assert_ne!(one.get().erase(), Histogram::<Tiny>::new().get().erase());
}

#[test]
fn distributions_are_displayed_in_fitting_units() {
    let append: Histogram = Histogram::new();
    append.record_n(Duration::from_micros(80), 99);
    append.record(Duration::from_micros(1234));
    assert_eq!(
        append.get().to_string(),
        "count 100, mean 91.5 µs, p50 82.1 µs, p99 100 µs, max ≤ 2 ms"
    );
    let sizes: Histogram<Sizes> = Histogram::new();
    sizes.record(1 << 40);
    assert_eq!(
        sizes.get().erase().to_string(),
        "count 1, mean 1 TiB, p50 1 TiB, p99 1 TiB, max > 64 GiB"
    );
}

#[test]
fn a_peak_is_the_highest_value_since_the_last_reset() {
    let peak = Peak::new();
    assert_eq!(peak.get(), 0);
    for value in [-5, -9] {
        peak.record(value);
    }
    assert_eq!((peak.get(), peak.get()), (-5, -5));
    peak.record(7);
    peak.record(3);
    assert_eq!((peak.take(), peak.get()), (7, 0));
    peak.record(2);
    peak.reset();
    assert_eq!(format!("{peak:?}"), "Peak(0)");
    thread::scope(|scope| {
        for thread in 0..4 {
            let peak = &peak;
            scope.spawn(move || (0..10_000).for_each(|i| peak.record(i * 4 + thread)));
        }
    });
    assert_eq!(peak.get(), 39_999);
}

#[test]
fn a_float_gauge_can_be_set_and_loses_no_concurrent_addition() {
    let gauge = FloatGauge::new();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..10_000).for_each(|_| gauge.add(0.5)));
        }
    });
    gauge.sub(1.0);
    assert_eq!(format!("{gauge:?}"), "FloatGauge(19999.0)");
    gauge.set(f64::NAN);
    assert!(gauge.get().is_nan());
}

#[test]
fn a_hold_subtracts_its_amount_even_after_a_panic() {
    let gauge = Gauge::new();
    gauge.set(1);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut held = gauge.hold(5);
        assert_eq!((gauge.get(), held.get()), (6, 5));
        held.set(-2);
        assert_eq!(gauge.get(), -1);
        assert_eq!(format!("{held:?}"), "GaugeHold(-2)");
        panic!("cancelled");
    }));
    assert!(panicked.is_err());
    assert_eq!(gauge.get(), 1);
}

#[derive(Debug, Default, Metrics)]
struct StoreMetrics<B: Buckets = Latency> {
    /// Records appended.
    appended: Counter,
    /// How long an append takes.
    append: Histogram,
    #[metrics(name = "bytes_per_record")]
    record_size: CachePadded<Histogram<Sizes>>,
    /// How many pages a scan reads.
    #[metrics(unit = "pages")]
    pages: Histogram<One>,
    lookup: Box<ShardedHistogram<B>>,
    fill_ratio: FloatGauge,
    longest_queue: Peak,
}

#[derive(Debug, Default, Metrics)]
struct BackendMetrics {
    #[metrics(flatten, prefix = "log_")]
    log: StoreMetrics<FineLatency>,
    #[metrics(flatten, prefix = "cache_")]
    cache: Option<StoreMetrics>,
}

fn histogram<'a>(snapshot: &'a Snapshot, name: &str) -> &'a Distribution {
    snapshot[name].as_histogram().unwrap()
}

#[test]
fn a_derived_struct_has_histograms_in_every_reading() {
    let metrics = StoreMetrics::<Latency>::default();
    metrics.append.record(Duration::from_micros(80));
    metrics.record_size.record(4096);
    metrics.fill_ratio.set(0.5);
    metrics.longest_queue.record(7);
    let snapshot = metrics.snapshot();
    assert_eq!(histogram(&snapshot, "append").sum().to_string(), "0.00008");
    assert_eq!(histogram(&snapshot, "bytes_per_record").count(), 1);
    assert_eq!(snapshot["fill_ratio"], 0.5);
    assert_eq!(snapshot["longest_queue"], 7);
    assert_eq!(
        snapshot.to_string(),
        "appended: 0\n\
         append: count 1, mean 80 µs, p50 80 µs, p99 80 µs, max ≤ 100 µs\n\
         bytes_per_record: count 1, mean 4 KiB, p50 4 KiB, p99 4 KiB, max ≤ 4 KiB\n\
         pages: count 0\n\
         lookup: count 0\n\
         fill_ratio: 0.5\n\
         longest_queue: 7"
    );
    assert_eq!(metrics.drain(), snapshot);
    assert!(histogram(&metrics.snapshot(), "append").is_empty());
    metrics.append.record(Duration::from_micros(90));
    metrics.reset();
    assert!(histogram(&metrics.snapshot(), "append").is_empty());
    assert_eq!(histogram(&metrics.totals(), "append").count(), 2);
    assert_eq!(metrics.snapshot()["longest_queue"], 0);
    assert_eq!(metrics.snapshot()["fill_ratio"], 0.5);
}

#[test]
fn a_snapshot_since_an_earlier_one_has_only_the_later_records() {
    let metrics = StoreMetrics::<Latency>::default();
    metrics.append.record_n(Duration::from_micros(80), 3);
    let earlier = metrics.snapshot();
    metrics.append.record(Duration::from_millis(3));
    let interval = metrics.snapshot().since(&earlier);
    let append = histogram(&interval, "append");
    assert_eq!((append.count(), append.max_bound()), (1, Some(0.005)));
    metrics.reset();
    metrics.append.record(Duration::from_secs(1));
    let after_reset = metrics.snapshot().since(&earlier);
    assert_eq!(histogram(&after_reset, "append").count(), 1);
}

#[test]
fn a_histogram_has_the_unit_of_its_buckets_even_if_flattened() {
    let metrics = BackendMetrics::default();
    let described: Vec<_> = metrics
        .descriptors()
        .iter()
        .filter(|metric| metric.kind() == Kind::Histogram)
        .map(|metric| format!("{} {}", metric.name(), metric.exposition_name()))
        .collect();
    assert_eq!(
        described[..5],
        [
            "log_append log_append_seconds",
            "log_bytes_per_record log_per_record_bytes",
            "log_pages log_pages",
            "log_lookup log_lookup_seconds",
            "cache_append cache_append_seconds",
        ]
    );
    assert_eq!(metrics.snapshot().len(), 7);
    metrics.log.lookup.record(Duration::from_nanos(1400));
    assert_eq!(histogram(&metrics.totals(), "log_lookup").max_bound(), Some(1.5e-6));
}

#[test]
fn a_walker_reads_histograms_into_a_distribution_that_it_reuses() {
    #[derive(Default)]
    struct Counts(Distribution, Vec<u64>);
    impl Walker for Counts {
        fn metric(&mut self, instrument: Option<&dyn ErasedInstrument>) {
            if instrument.is_some_and(|instrument| instrument.read_total_into(&mut self.0)) {
                self.1.push(self.0.count());
            }
        }
    }
    let metrics = StoreMetrics::<Latency>::default();
    metrics.append.record_n(Duration::from_micros(80), 3);
    metrics.record_size.record(4096);
    metrics.reset();
    let mut counts = Counts::default();
    metrics.walk(&mut counts);
    assert_eq!(counts.1, [3, 1, 0, 0]);
    assert_eq!(counts.0.buckets().len(), 29);
}

#[test]
fn floats_and_integers_of_any_size_are_compared_exactly() {
    let two_to = |exponent| 2.0_f64.powi(exponent);
    let before = |float: f64| f64::from_bits(float.to_bits() - 1);
    for (float, integer) in [
        (-two_to(127), i128::MIN),
        (-1e30, -1_000_000_000_000_000_019_884_624_838_656),
        (-two_to(53), -(1 << 53)),
        (-0.0, 0),
        (two_to(53), 1 << 53),
        (two_to(64), 1 << 64),
        (1e30, 1_000_000_000_000_000_019_884_624_838_656),
        (before(two_to(127)), i128::MAX - (1 << 74) + 1),
    ] {
        assert_eq!(Value::Float(float), integer);
        assert_ne!(Value::Float(float), integer + 1);
        assert_ne!(Value::Float(float), integer.wrapping_sub(1));
    }
    for (float, integer) in [
        (two_to(53), 1_u128 << 53),
        (two_to(127), 1 << 127),
        (before(two_to(128)), u128::MAX - (1 << 75) + 1),
    ] {
        assert_eq!(Value::Float(float), integer);
        assert_ne!(Value::Float(float), integer + 1);
        assert_ne!(Value::Float(float), integer - 1);
        assert_eq!(integer, Value::Float(float));
    }
    // `as` converts each of these floats to zero or to a limit of an integer type. The float does not equal that integer.
    for float in [two_to(127), two_to(128), f64::INFINITY, f64::NAN] {
        assert_ne!(Value::Float(float), i128::MAX);
        assert_ne!(Value::Float(float), u128::MAX);
        assert_ne!(Value::Float(-2.0 * float), i128::MIN);
        assert_ne!(Value::Float(float), 0);
        assert_ne!(Value::Float(float), 0_u128);
    }
    assert_ne!(Value::Float(before(1.0)), 0);
    assert_ne!(Value::Float(before(two_to(52))), (1_u128 << 52) - 1);
    assert_ne!(Value::Counter(u64::MAX), Value::Float(two_to(64)));
    assert_ne!(Value::Gauge(i64::MAX), Value::Float(two_to(63)));
    assert_eq!(Value::Gauge(i64::MIN), Value::Float(-two_to(63)));
    assert_ne!(Value::Gauge(-1), u128::MAX);
}

#[test]
fn values_of_different_kinds_are_compared_exactly() {
    assert_eq!(Value::Float(3.0), Value::Counter(3));
    assert_eq!(Value::Float(-1.0), -1);
    assert_ne!(Value::Float(0.5), 0);
    assert_ne!(Value::Float(f64::NAN), Value::Float(f64::NAN));
    assert_ne!(Value::Counter((1 << 53) + 1), Value::Float(9_007_199_254_740_992.0));
    let read = Value::Histogram(Box::new(Histogram::<One>::new().get().erase()));
    assert_ne!(read, 0);
    assert_eq!(read, read.clone());
    assert_eq!((read.as_u64(), read.as_i64(), read.as_f64().is_nan()), (None, None, true));
    assert_eq!((Value::Float(0.5).as_u64(), Value::Float(-2.0).as_i64()), (None, Some(-2)));
    assert_eq!((Value::Float(-2.0).as_u64(), Value::Float(1e19).as_i64()), (None, None));
    assert_eq!(
        (read.kind().to_string(), Value::Float(0.5).kind()),
        ("histogram".into(), Kind::Gauge)
    );
    assert_eq!(size_of::<Value>(), 16);
}
