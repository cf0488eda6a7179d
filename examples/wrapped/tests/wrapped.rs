//! The wrappers count operations and errors, even on a full disk.

use std::process::Command;

use papyra_metrics::{Metrics, assert_delta};
use papyra_metrics_wrapped_examples::fjall_store::FjallStore;
use papyra_metrics_wrapped_examples::redb_store::RedbStore;

#[test]
fn redb_counts_each_operation_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("records.redb");
    let store = RedbStore::open(&path).unwrap();
    assert_delta!(
        store.metrics,
        {
            redb_records_written: 2,
            redb_write: 2,
            redb_value_size: 2,
            redb_read: 3,
            "redb_read_errors{error_kind=other}": 1,
        },
        || {
            // The read fails, because the database has no table yet.
            store.read(b"a").unwrap_err();
            store.write(b"a", &[1; 100]).unwrap();
            store.write(b"b", &[2; 5000]).unwrap();
            assert_eq!(store.read(b"b").unwrap().unwrap(), [2; 5000]);
            assert_eq!(store.read(b"c").unwrap(), None);
        }
    );
    assert_eq!(store.metrics.value_size.get().sum(), 5100);
    assert_eq!(store.metrics.snapshot()["redb_file"], path.metadata().unwrap().len());
}

#[test]
fn fjall_counts_each_operation_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = FjallStore::open(directory.path()).unwrap();
    assert_delta!(
        store,
        {
            fjall_records_written: 2,
            fjall_write: 2,
            fjall_value_size: 2,
            fjall_read: 2,
            fjall_compactions: 0,
        },
        || {
            store.write(b"a", &[1; 100]).unwrap();
            store.write(b"b", &[2; 5000]).unwrap();
            assert_eq!(store.read(b"b").unwrap().unwrap(), [2; 5000]);
            assert_eq!(store.read(b"c").unwrap(), None);
        }
    );
    assert_eq!(store.metrics.value_size.get().sum(), 5100);
    assert!(store.snapshot()["fjall_write_buffer"].as_i64().unwrap() > 5100);
}

/// Runs a program in a file system of 1 MiB and returns its output.
fn on_a_small_disk(program: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c"])
        .arg("mount -t tmpfs -o size=1m none \"$1\" && exec \"$0\" \"$1\"")
        .args([program.as_ref(), directory.path()])
        .output()
        .expect("this needs `unshare` of util-linux, to mount a small file system for one process");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the number after `key` in the output.
fn number(output: &str, key: &str) -> u64 {
    let value = output.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no `{key}` in\n{output}"))
}

/// Asserts that one write fails because the disk is full, that the database then refuses all writes, and that reads still
/// succeed.
fn a_full_disk_is_one_error_of_its_kind(program: &str, prefix: &str) {
    let output = on_a_small_disk(program);
    let number = |name: &str| number(&output, &format!("{prefix}_{name}"));
    let written = number("records_written");
    assert!(written > 0, "{output}");
    assert_eq!(number("write_errors{error_kind=storage_full}"), 1, "{output}");
    assert_eq!(number("write_errors{error_kind=stopped}"), 200 - written - 1, "{output}");
    for kind in ["io", "corrupt", "other"] {
        assert_eq!(number(&format!("write_errors{{error_kind={kind}}}")), 0, "{output}");
    }
    let reads = format!("{prefix}_read: count {written},");
    assert!(output.contains(&reads), "{output}");
}

#[test]
fn a_full_disk_under_redb_is_one_error_of_its_kind() {
    a_full_disk_is_one_error_of_its_kind(env!("CARGO_BIN_EXE_wrapped_redb"), "redb");
}

#[test]
fn a_full_disk_under_fjall_is_one_error_of_its_kind() {
    a_full_disk_is_one_error_of_its_kind(env!("CARGO_BIN_EXE_wrapped_fjall"), "fjall");
}
