//! No count is lost or counted twice. The tests with the model checker loom are in `papyra-metrics/src/counter.rs`.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use papyra_metrics::{Counter, Gauge, Metrics};

#[derive(Default, Metrics)]
struct LogMetrics {
    writes: Counter,
    plain: AtomicU64,
    level: Gauge,
}

const WRITERS: u64 = 3;
const DRAINERS: u64 = 3;
const EACH: u64 = 200_000;

#[test]
fn drains_under_load_lose_no_increment() {
    let metrics = LogMetrics::default();
    metrics.level.set(5);
    let start = Barrier::new(usize::try_from(WRITERS + DRAINERS).unwrap());
    let running = AtomicU64::new(WRITERS);
    let drained: Vec<(u64, u64)> = thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                start.wait();
                for _ in 0..EACH {
                    metrics.writes.inc();
                    metrics.plain.fetch_add(2, Ordering::Relaxed);
                }
                running.fetch_sub(1, Ordering::Release);
            });
        }
        let drainers: Vec<_> = (0..DRAINERS)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    let mut sum = (0, 0);
                    while running.load(Ordering::Acquire) > 0 {
                        let drained = metrics.drain();
                        sum.0 += drained["writes"].as_u64().unwrap();
                        sum.1 += drained["plain"].as_u64().unwrap();
                    }
                    sum
                })
            })
            .collect();
        drainers.into_iter().map(|drainer| drainer.join().unwrap()).collect()
    });
    let rest = metrics.drain();
    let writes: u64 = drained.iter().map(|sum| sum.0).sum();
    let plain: u64 = drained.iter().map(|sum| sum.1).sum();
    assert_eq!(writes + rest["writes"].as_u64().unwrap(), WRITERS * EACH);
    assert_eq!(plain + rest["plain"].as_u64().unwrap(), 2 * WRITERS * EACH);
    assert_eq!(metrics.totals()["writes"], WRITERS * EACH);
    assert_eq!(rest["level"], 5);
}

#[test]
fn lifetime_totals_never_fall_and_readings_never_exceed_them() {
    let metrics = LogMetrics::default();
    let running = AtomicU64::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            (0..EACH).for_each(|_| metrics.writes.inc());
            running.fetch_sub(1, Ordering::Release);
        });
        scope.spawn(|| {
            (0..EACH / 10).for_each(|_| metrics.reset());
            running.fetch_sub(1, Ordering::Release);
        });
        let mut last = 0;
        while running.load(Ordering::Acquire) > 0 {
            let since_reset = metrics.writes.get();
            let total = metrics.totals()["writes"].as_u64().unwrap();
            assert!(total >= last, "{total} after {last}");
            assert!(since_reset <= total, "{since_reset} of {total}");
            last = total;
        }
    });
    assert_eq!(metrics.totals()["writes"], EACH);
}

#[test]
fn concurrent_takes_of_one_counter_return_each_increment_once() {
    let counter = Counter::new();
    let taken = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..EACH / 4 {
                    counter.add(3);
                    let mine = counter.take();
                    assert!(mine <= 3 * EACH, "{mine} is more than was counted");
                    taken.fetch_add(mine, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(taken.into_inner() + counter.take(), 3 * EACH);
}
