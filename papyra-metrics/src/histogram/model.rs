//! Loom models of concurrent recordings, readings and takes. Run with
//! `RUSTFLAGS="--cfg loom" cargo test -p papyra-metrics --lib --release`.

use loom::{sync::Arc, thread};

use super::cells::{BucketCells, CellArray, Tally};
use super::{Distribution, Histogram, ShardedHistogram};
use crate::buckets;

buckets!(One: u64 = [1]);

fn count_and_sum(distribution: &Distribution<One>) -> [u64; 2] {
    [distribution.count(), distribution.sum()]
}

#[test]
fn concurrent_takes_return_each_count_and_each_sum_of_a_bucket_exactly_once() {
    loom::model(|| {
        let histogram = Arc::new(Histogram::<One>::new());
        let recorder = {
            let histogram = Arc::clone(&histogram);
            thread::spawn(move || histogram.record_n(1, 2))
        };
        let taker = {
            let histogram = Arc::clone(&histogram);
            thread::spawn(move || count_and_sum(&histogram.take()))
        };
        let here = count_and_sum(&histogram.take());
        recorder.join().unwrap();
        let there = taker.join().unwrap();
        let rest = count_and_sum(&histogram.get());
        for part in 0..2 {
            // The sum below would not detect a take that wraps below zero, because the next take compensates for it.
            assert!(here[part] <= 2 && there[part] <= 2, "{here:?} and {there:?} of 2");
            assert_eq!(here[part] + there[part] + rest[part], 2);
        }
        assert_eq!(count_and_sum(&histogram.total()), [2, 2]);
    });
}

#[test]
fn a_reading_of_a_bucket_never_exceeds_what_was_recorded() {
    loom::model(|| {
        let histogram = Arc::new(Histogram::<One>::new());
        let other = {
            let histogram = Arc::clone(&histogram);
            thread::spawn(move || {
                histogram.record(1);
                histogram.reset();
                histogram.record(1);
            })
        };
        // If totals were read before the baselines, the difference would wrap below zero here.
        let [count, sum] = count_and_sum(&histogram.get());
        assert!(count <= 2 && sum <= 2, "{count} and {sum}");
        other.join().unwrap();
        assert_eq!(count_and_sum(&histogram.total()), [2, 2]);
    });
}

#[test]
fn a_baseline_is_never_seen_without_the_total_that_it_was_advanced_to() {
    loom::model(|| {
        let cells = Arc::new((BucketCells::<1>::new(), BucketCells::<1>::new()));
        let other = {
            let cells = Arc::clone(&cells);
            thread::spawn(move || {
                let (cell, baseline) = (&cells.0.cells()[0], &cells.1.cells()[0]);
                cell.add(Tally { count: 1, sum: 1 });
                // Passes the known values instead of loading them, so that loom has fewer interleavings to try.
                baseline.advance(Tally::ZERO, Tally { count: 1, sum: 1 }, || cell.load());
            })
        };
        let (cell, baseline) = (&cells.0.cells()[0], &cells.1.cells()[0]);
        let before = baseline.load_baseline();
        let total = cell.load();
        assert!(before.count <= total.count && before.sum <= total.sum, "{before:?}, {total:?}");
        other.join().unwrap();
    });
}

#[test]
fn concurrent_takes_return_the_values_of_every_block_exactly_once() {
    loom::model(|| {
        let histogram = Arc::new(ShardedHistogram::<One>::new());
        let recorder = {
            let histogram = Arc::clone(&histogram);
            thread::spawn(move || {
                histogram.blocks.add_shared(0, 0, Tally { count: 1, sum: 1 });
                histogram.blocks.add_shared(1, 0, Tally { count: 1, sum: 1 });
            })
        };
        let taker = {
            let histogram = Arc::clone(&histogram);
            thread::spawn(move || count_and_sum(&histogram.take()))
        };
        let here = count_and_sum(&histogram.take());
        recorder.join().unwrap();
        let there = taker.join().unwrap();
        let rest = count_and_sum(&histogram.get());
        for part in 0..2 {
            // If a taker skipped a block whose counts another taker has returned, the difference would wrap below zero.
            assert!(here[part] <= 2 && there[part] <= 2, "{here:?} and {there:?} of 2");
            assert_eq!(here[part] + there[part] + rest[part], 2);
        }
        assert_eq!(count_and_sum(&histogram.total()), [2, 2]);
    });
}
