//! The store behaves like a map, even if it is flushed, compacted and reopened between operations.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use papyra_metrics::Metrics;
use papyra_metrics_engine_example::metrics::{BlockReader, FilterResult, Level, SharedMetrics};
use papyra_metrics_engine_example::{Options, Store};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// Sizes that are so small that a few hundred operations cause compactions into the deepest level.
fn small() -> Options {
    Options {
        memtable_bytes: 4 << 10,
        level_0_tables: 2,
        level_0_stop: 4,
        level_1_bytes: 512,
        table_bytes: 4 << 10,
        cache_bytes: 16 << 10,
        is_synced: false,
    }
}

fn open(directory: &Path, metrics: &SharedMetrics) -> Store {
    Store::open(directory, small(), Arc::clone(metrics)).unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    Put(u16, usize),
    Delete(u16),
    Get(u16),
    Scan(u16, usize),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..150_u16;
    prop_oneof![
        8 => (key.clone(), 0..600_usize).prop_map(|(key, len)| Step::Put(key, len)),
        3 => key.clone().prop_map(Step::Delete),
        3 => key.clone().prop_map(Step::Get),
        1 => (key, 0..40_usize).prop_map(|(key, limit)| Step::Scan(key, limit)),
        1 => Just(Step::Reopen),
    ]
}

fn key(number: u16) -> Vec<u8> {
    format!("key {number:03}").into_bytes()
}

/// Asserts that there were compactions into each level.
fn assert_all_levels_are_used(metrics: &SharedMetrics) {
    for level in [Level::L1, Level::L2, Level::L3] {
        let compactions = metrics.compaction[level].get().count();
        assert!(compactions > 0, "{level:?}: {}", metrics.snapshot());
    }
}

#[test]
fn the_store_does_what_a_map_does() {
    let config =
        ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() };
    let metrics = SharedMetrics::default();
    let outcome = TestRunner::new(config).run(&prop::collection::vec(step(), 1..500), |steps| {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Some(open(directory.path(), &metrics));
        let mut model = BTreeMap::new();
        for (number, step) in steps.into_iter().enumerate() {
            let current = store.as_ref().unwrap();
            match step {
                Step::Put(at, len) => {
                    let value = vec![number.to_le_bytes()[0]; len];
                    current.put(&key(at), &value).unwrap();
                    model.insert(key(at), value);
                }
                Step::Delete(at) => {
                    current.delete(&key(at)).unwrap();
                    model.remove(&key(at));
                }
                Step::Get(at) => {
                    prop_assert_eq!(current.get(&key(at)).unwrap(), model.get(&key(at)).cloned());
                }
                Step::Scan(from, limit) => {
                    let expected = model.range(key(from)..).take(limit);
                    let expected: Vec<_> =
                        expected.map(|(key, value)| (key.clone(), value.clone())).collect();
                    prop_assert_eq!(current.scan(&key(from), limit).unwrap(), expected);
                }
                Step::Reopen => {
                    drop(store.take());
                    store = Some(open(directory.path(), &metrics));
                }
            }
        }
        let all: Vec<_> = model.into_iter().collect();
        prop_assert_eq!(store.unwrap().scan(b"", usize::MAX).unwrap(), all);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    assert_all_levels_are_used(&metrics);
}

#[test]
fn a_deletion_hides_a_value_in_a_deeper_level() {
    let directory = tempfile::tempdir().unwrap();
    let metrics = SharedMetrics::default();
    let store = open(directory.path(), &metrics);
    for round in 0..20_u8 {
        for number in 0..100 {
            store.put(&key(number), &[round; 100]).unwrap();
        }
    }
    for number in 0..100 {
        store.delete(&key(number)).unwrap();
    }
    for number in 200..400 {
        store.put(&key(number), &[0; 100]).unwrap();
    }
    for number in 0..100 {
        assert_eq!(store.get(&key(number)).unwrap(), None);
    }
    assert_eq!(store.scan(b"", usize::MAX).unwrap().len(), 200);
    assert_all_levels_are_used(&metrics);
}

/// Returns the tables of each level in the manifest and the bytes of their files.
fn levels_in(directory: &Path) -> [(i64, i64); 4] {
    let mut levels = [(0, 0); 4];
    for line in fs::read_to_string(directory.join("MANIFEST")).unwrap().lines() {
        if let ["table", level, number] = line.split(' ').collect::<Vec<_>>()[..] {
            let (tables, bytes) = &mut levels[level.parse::<usize>().unwrap()];
            *tables += 1;
            // The file is missing if a compaction has just removed it.
            let file = fs::metadata(directory.join(format!("{number:0>8}.table")));
            *bytes += file.map_or(0, |file| i64::try_from(file.len()).unwrap());
        }
    }
    levels
}

#[test]
fn the_gauges_are_those_of_the_files_once_the_background_work_is_done() {
    let directory = tempfile::tempdir().unwrap();
    let metrics = SharedMetrics::default();
    let store = open(directory.path(), &metrics);
    for round in 0..20_u8 {
        for number in 0..50 {
            store.put(&key(number), &[round; 100]).unwrap();
        }
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    let levels = loop {
        let levels = levels_in(directory.path());
        let gauges = [Level::L0, Level::L1, Level::L2, Level::L3]
            .map(|level| (metrics.tables[level].get(), metrics.level[level].get()));
        if (metrics.frozen.get(), gauges) == (0, levels) {
            break levels;
        }
        assert!(Instant::now() < deadline, "{levels:?}: {}", metrics.snapshot());
        thread::yield_now();
    };
    assert!(levels[1..].iter().any(|(tables, _)| *tables > 0), "{levels:?}");
}

#[test]
fn each_lookup_in_a_table_counts_as_a_hit_a_miss_or_an_answer_of_the_filter() {
    let directory = tempfile::tempdir().unwrap();
    let open = |metrics: &SharedMetrics| {
        let options = Options { is_synced: false, ..Options::default() };
        Store::open(directory.path(), options, Arc::clone(metrics)).unwrap()
    };
    let store = open(&SharedMetrics::default());
    for number in (0..1000).step_by(2) {
        store.put(&key(number), b"value").unwrap();
    }
    drop(store);
    let metrics = SharedMetrics::default();
    let store = open(&metrics); // replays the log and flushes its records to a table
    for _ in 0..10 {
        store.get(&key(0)).unwrap().unwrap();
    }
    let misses = || metrics.block_read[BlockReader::Request].get().count();
    assert_eq!((misses(), metrics.cache_hits.get()), (1, 9));
    for number in (1..998).step_by(2) {
        assert_eq!(store.get(&key(number)).unwrap(), None);
    }
    let answers = |answer| metrics.filter_results[answer].get();
    let false_positives = answers(FilterResult::FalsePositive);
    assert!((1..50).contains(&false_positives), "{false_positives}");
    assert_eq!(answers(FilterResult::Negative) + false_positives, 499);
    assert_eq!(misses() + metrics.cache_hits.get(), 10 + false_positives);
}

#[test]
fn a_reader_never_sees_an_older_value_than_before() {
    let directory = tempfile::tempdir().unwrap();
    let metrics = SharedMetrics::default();
    let store = open(directory.path(), &metrics);
    let is_done = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        let (store, is_done) = (&store, &is_done);
        for _ in 0..2 {
            scope.spawn(move || {
                let mut last = [0_u64; 20];
                while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
                    for (number, last) in (0..).zip(&mut last) {
                        let value = store.get(&key(number)).unwrap();
                        let round = value
                            .map_or(0, |value| u64::from_le_bytes(value[..8].try_into().unwrap()));
                        assert!(round >= *last, "key {number} falls from {last} to {round}");
                        *last = round;
                    }
                }
            });
        }
        let writers: Vec<_> = (0..2)
            .map(|writer| {
                scope.spawn(move || {
                    for round in 1..1500_u64 {
                        let mut value = vec![0; 100];
                        value[..8].copy_from_slice(&round.to_le_bytes());
                        for number in (writer..20).step_by(2) {
                            store.put(&key(number), &value).unwrap();
                        }
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        is_done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let snapshot = metrics.snapshot();
    assert_eq!(snapshot["engine_wal_records"], 2 * 1499 * 10);
    assert!(snapshot["engine_flush"].as_histogram().unwrap().count() > 100, "{snapshot}");
}
