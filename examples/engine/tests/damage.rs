//! Damaged files: a log that is cut or damaged at any byte, and a damaged manifest or table. No acknowledged write is lost without
//! an error.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use papyra_metrics::{Metrics, assert_delta};
use papyra_metrics_engine_example::metrics::SharedMetrics;
use papyra_metrics_engine_example::{Error, Store};

use common::{Map, content, log_in, unsynced};

mod common;

/// Creates a store in an empty directory and writes to the store. Returns the path of the log, and the state before the
/// first write and after each write. A state is the length of the log and the content of the store.
fn written(directory: &Path) -> (PathBuf, Vec<(u64, Map)>) {
    let metrics = SharedMetrics::default();
    let store = Store::open(directory, unsynced(), Arc::clone(&metrics)).unwrap();
    let log = log_in(directory);
    let mut map = Map::new();
    let mut states = vec![(0, map.clone())];
    for number in 0..12_u8 {
        let key = vec![b'k', number % 5];
        if number % 4 == 3 {
            store.delete(&key).unwrap();
            map.remove(&key);
        } else {
            // A value of zeros looks like the header of an empty frame.
            let value = vec![if number % 2 == 0 { 0 } else { number }; 20];
            store.put(&key, &value).unwrap();
            map.insert(key, value);
        }
        let len = log.metadata().unwrap().len();
        assert_eq!(metrics.snapshot()["engine_wal_written"], len);
        states.push((len, map.clone()));
    }
    (log, states)
}

/// Opens a copy of a store. In the copy, `bytes` replace the content of a file.
fn open_with_file(
    original: &Path,
    file: &Path,
    bytes: &[u8],
) -> (Result<Store, Error>, SharedMetrics) {
    let copy = tempfile::tempdir().unwrap().keep();
    for entry in fs::read_dir(original).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    fs::write(copy.join(file.file_name().unwrap()), bytes).unwrap();
    let metrics = SharedMetrics::default();
    let opened = Store::open(&copy, unsynced(), Arc::clone(&metrics));
    // The store keeps its files open, so they stay usable after the removal.
    fs::remove_dir_all(copy).unwrap();
    (opened, metrics)
}

#[test]
fn a_log_that_is_cut_at_any_byte_has_all_writes_before() {
    let directory = tempfile::tempdir().unwrap();
    let (log, states) = written(directory.path());
    let bytes = fs::read(&log).unwrap();
    for cut in 0..=bytes.len() {
        let (store, metrics) = open_with_file(directory.path(), &log, &bytes[..cut]);
        let whole = states.iter().rposition(|(len, _)| *len <= cut as u64).unwrap();
        assert_eq!(content(&store.unwrap()), states[whole].1, "cut at {cut}");
        let snapshot = metrics.snapshot();
        assert_eq!(snapshot["engine_wal_replayed"], whole as u64);
        let is_torn = states[whole].0 < cut as u64;
        assert_eq!(snapshot["engine_wal_torn_ends"], u64::from(is_torn), "cut at {cut}");
    }
}

#[test]
fn a_log_that_is_damaged_before_its_end_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (log, states) = written(directory.path());
    let mut bytes = fs::read(&log).unwrap();
    let (last, state) = &states[states.len() - 2];
    for at in 0..bytes.len() {
        bytes[at] ^= 0x41;
        let (store, _) = open_with_file(directory.path(), &log, &bytes);
        bytes[at] ^= 0x41;
        if (at as u64) < *last {
            let error = store.map(|_| ()).unwrap_err();
            assert!(error.to_string().contains("is damaged"), "byte {at}: {error}");
        } else {
            // This damage cannot be distinguished from a write that was never acknowledged, so the store opens without
            // that write.
            assert_eq!(&content(&store.unwrap()), state, "byte {at}");
        }
    }
}

#[test]
fn a_torn_log_is_replayed_after_a_crash_while_the_store_was_opened() {
    let directory = tempfile::tempdir().unwrap();
    let (log, states) = written(directory.path());
    let bytes = fs::read(&log).unwrap();
    let torn = &bytes[..bytes.len() - 1];
    // `Store::open` creates the next log before it flushes the records of the previous log.
    let next = log.with_file_name("00000099.wal");
    fs::write(&next, b"").unwrap();
    let (store, metrics) = open_with_file(directory.path(), &log, torn);
    assert_eq!(content(&store.unwrap()), states[states.len() - 2].1);
    assert_eq!(metrics.snapshot()["engine_wal_torn_ends"], 1);
    fs::write(&next, torn).unwrap();
    let (store, _) = open_with_file(directory.path(), &log, torn);
    assert!(store.map(|_| ()).unwrap_err().to_string().contains("it ends within a frame"));
}

#[test]
fn a_torn_record_whose_value_contains_a_frame_is_not_damage() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path(), unsynced(), SharedMetrics::default()).unwrap();
    store.put(b"first", b"value").unwrap();
    let log = log_in(directory.path());
    let frame = fs::read(&log).unwrap();
    store.put(b"torn", &[&frame[..], b"end"].concat()).unwrap();
    drop(store);
    let bytes = fs::read(&log).unwrap();
    let (store, _) = open_with_file(directory.path(), &log, &bytes[..bytes.len() - 1]);
    assert_eq!(content(&store.unwrap()).into_keys().collect::<Vec<_>>(), [b"first"]);
}

#[test]
fn a_damaged_block_is_an_error_and_not_a_value() {
    let directory = tempfile::tempdir().unwrap();
    let open = |metrics| Store::open(directory.path(), unsynced(), metrics).unwrap();
    open(SharedMetrics::default()).put(b"key", b"value").unwrap();
    drop(open(SharedMetrics::default())); // replays the log and flushes its records to a table
    let mut files = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
    let table = files.find(|path| path.extension().is_some_and(|it| it == "table")).unwrap();
    let mut bytes = fs::read(&table).unwrap();
    bytes[12] ^= 1;
    fs::write(&table, bytes).unwrap();

    let metrics = SharedMetrics::default();
    let store = open(Arc::clone(&metrics));
    assert_delta!(
        metrics,
        {
            "engine_block_errors{error_kind=corrupt}": 1,
            "engine_operation_errors{op=get,error_kind=corrupt}": 1,
            "engine_block_read{block_reader=request}": 1,
        },
        || {
            assert!(matches!(store.get(b"key"), Err(Error::Corrupt { .. })));
            assert_eq!(store.get(b"other").unwrap(), None);
        }
    );
}

#[test]
fn a_damaged_cut_or_missing_manifest_table_or_log_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let open = |metrics| Store::open(directory.path(), unsynced(), metrics).unwrap();
    open(SharedMetrics::default()).put(b"key", b"value").unwrap();
    drop(open(SharedMetrics::default())); // replays the log and flushes its records to a table
    let files = ["MANIFEST", "00000003.table", "00000002.wal"].map(|it| directory.path().join(it));
    let assert_damaged = |file: &Path, opened: Result<Store, Error>, damage: &str| {
        let error = opened.and_then(|store| store.scan(b"", usize::MAX)).unwrap_err().to_string();
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(error.contains(&format!("{name}` is damaged: ")), "{name}, {damage}: {error}");
    };
    for file in &files[..2] {
        let mut bytes = fs::read(file).unwrap();
        let check = |bytes: &[u8], damage: &str| {
            let (store, _) = open_with_file(directory.path(), file, bytes);
            assert_damaged(file, store, damage);
        };
        for at in 0..bytes.len() {
            check(&bytes[..at], &format!("cut at {at}"));
            for bit in [0x01, 0x80] {
                bytes[at] ^= bit;
                check(&bytes, &format!("byte {at}"));
                bytes[at] ^= bit;
            }
        }
    }
    for file in &files {
        let bytes = fs::read(file).unwrap();
        fs::remove_file(file).unwrap();
        let opened = Store::open(directory.path(), unsynced(), SharedMetrics::default());
        // Without a manifest, the first table that is found is named.
        let named = if file.ends_with("MANIFEST") { &files[1] } else { file };
        assert_damaged(named, opened, "missing");
        fs::write(file, bytes).unwrap();
    }
    assert_eq!(content(&open(SharedMetrics::default()))[&b"key"[..]], b"value");
}
