//! Tests with real faults: a process that is killed, a full disk, files that a crash leaves behind, and requests and options
//! that cannot be fulfilled. No acknowledged write is lost, and the metrics show each fault.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use papyra_metrics::publish::Reader;
use papyra_metrics::{Metrics, Snapshot};
use papyra_metrics_engine_example::metrics::SharedMetrics;
use papyra_metrics_engine_example::protocol::{Client, Request};
use papyra_metrics_engine_example::{Error, Options, Store};
use tokio::sync::Semaphore;

use common::{content, leftovers, log_in, unsynced};

mod common;

#[test]
fn files_that_are_no_longer_needed_are_removed_and_an_old_log_is_not_replayed() {
    let directory = tempfile::tempdir().unwrap();
    let options = || Options {
        memtable_bytes: 4 << 10,
        level_0_tables: 2,
        level_1_bytes: 8 << 10,
        ..unsynced()
    };
    let open = || Store::open(directory.path(), options(), SharedMetrics::default()).unwrap();
    let store = open();
    store.put(b"key", b"old").unwrap();
    let log = log_in(directory.path());
    let old_log = fs::read(&log).unwrap();
    for round in 0..50_u8 {
        for number in 0..20_u8 {
            store.put(&[number], &[round; 100]).unwrap();
        }
    }
    store.put(b"key", b"new").unwrap();
    drop(store);
    assert_eq!(leftovers(directory.path()), [""; 0]);

    // A crash leaves such files behind. The table has only a part of its content.
    fs::write(&log, old_log).unwrap();
    fs::write(directory.path().join("00009999.table"), b"part").unwrap();
    assert_eq!(leftovers(directory.path()).len(), 2);
    let store = open();
    assert_eq!(store.get(b"key").unwrap().unwrap(), b"new");
    drop(store);
    assert_eq!(leftovers(directory.path()), [""; 0]);
}

#[test]
fn a_flush_whose_manifest_cannot_be_written_leaves_no_table_and_is_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let metrics = SharedMetrics::default();
    let options = Options { memtable_bytes: 1, ..unsynced() };
    let store = Store::open(directory.path(), options, Arc::clone(&metrics)).unwrap();
    // The store cannot create a file with the name of this directory.
    let temporary = directory.path().join("MANIFEST.new");
    fs::create_dir(&temporary).unwrap();
    store.put(b"first", b"").unwrap();
    store.put(b"second", b"").unwrap(); // requests a flush of the first
    assert!(matches!(store.put(b"third", b"").unwrap_err(), Error::Busy));
    assert!(metrics.snapshot()["engine_flush_errors{error_kind=io}"] != 0);
    fs::remove_dir(&temporary).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while let Err(error) = store.put(b"third", b"") {
        assert!(Instant::now() < deadline, "{error}");
        std::thread::yield_now();
    }
    assert_eq!(content(&store).len(), 3);
    drop(store);
    assert_eq!(leftovers(directory.path()), [""; 0]);
}

#[test]
fn a_log_is_not_removed_before_its_writes_are_in_a_table() {
    let directory = tempfile::tempdir().unwrap();
    // Each write fills a memtable, so new logs begin while old logs are removed.
    let options = Options { memtable_bytes: 1, level_0_stop: 100, ..unsynced() };
    let store = Store::open(directory.path(), options, SharedMetrics::default()).unwrap();
    let manifest = || fs::read_to_string(directory.path().join("MANIFEST")).unwrap();
    std::thread::scope(|scope| {
        let writers = [277, 283].map(|step| {
            let store = &store;
            scope.spawn(move || {
                for round in 0..1500 {
                    // The pauses differ, so that some writes meet the short end of a flush.
                    std::thread::sleep(Duration::from_micros(round * step % 2000));
                    store.put(b"key", b"value").unwrap();
                }
            })
        });
        while writers.iter().any(|writer| !writer.is_finished()) {
            // After a crash, the store is opened with the first log of the manifest.
            let before = manifest();
            let number: u64 = before.lines().next().unwrap()["log ".len()..].parse().unwrap();
            let exists = directory.path().join(format!("{number:08}.wal")).exists();
            assert!(exists || manifest() != before, "log {number} is missing");
        }
    });
}

#[test]
fn options_with_which_writes_would_wait_forever_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    for options in [
        Options { memtable_bytes: 0, ..unsynced() },
        Options { level_0_tables: 0, ..unsynced() },
        Options { level_0_tables: 5, level_0_stop: 4, ..unsynced() },
        Options { table_bytes: 0, ..unsynced() },
    ] {
        let opened = Store::open(directory.path(), options, SharedMetrics::default());
        assert!(matches!(opened.map(|_| ()).unwrap_err(), Error::Invalid(_)));
    }
}

#[test]
fn a_key_or_value_that_is_too_long_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path(), unsynced(), SharedMetrics::default()).unwrap();
    let (key, value) = (vec![1; (64 << 10) + 1], vec![2; (16 << 20) + 1]);
    assert!(matches!(store.put(&key, b"").unwrap_err(), Error::Invalid(_)));
    assert!(matches!(store.delete(&key).unwrap_err(), Error::Invalid(_)));
    assert!(matches!(store.put(b"", &value).unwrap_err(), Error::Invalid(_)));
    store.put(&key[1..], &value[1..]).unwrap();
    assert!(store.get(&key[1..]).unwrap().is_some_and(|stored| stored == value[1..]));
}

#[test]
fn a_store_cannot_be_opened_twice_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let first = Store::open(directory.path(), unsynced(), SharedMetrics::default()).unwrap();
    let second = Store::open(directory.path(), unsynced(), SharedMetrics::default());
    assert_eq!(second.map(|_| ()).unwrap_err().to_string(), "the store is open elsewhere");
    drop(first);
    Store::open(directory.path(), unsynced(), SharedMetrics::default()).unwrap();
}

/// A server that is killed when the test is over.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(directory: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_engine"))
            .arg(directory)
            .args(["127.0.0.1:0", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        let address = line.strip_prefix("clients at ").unwrap().to_owned();
        Self { process, address }
    }

    fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

#[tokio::test]
async fn a_scan_with_an_answer_that_is_too_long_is_an_error_and_the_connection_stays_usable() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path());
    let mut client = Client::connect(&server.address).await.unwrap();
    for key in 0..3 {
        client.call(&Request::Put(vec![key], vec![key; 12 << 20])).await.unwrap().unwrap();
    }
    let error = client.call(&Request::Scan(vec![0], 3)).await.unwrap().unwrap_err();
    assert_eq!(error, "the answer is over 32 MiB; scan fewer keys at once");
    let two = client.call(&Request::Scan(vec![0], 2)).await.unwrap().unwrap();
    assert_eq!(two.iter().map(|(key, _)| key[0]).collect::<Vec<_>>(), [0, 1]);
}

/// Stores increasing numbers under ten keys until the server is killed. Returns the last acknowledged number of each key.
async fn put_until_killed(address: String, client: u8, acknowledged: Arc<Semaphore>) -> [u64; 10] {
    let mut connection = Client::connect(address).await.unwrap();
    let mut last = [0; 10];
    for number in 1_u64.. {
        for key in 0..10_u8 {
            let mut value = vec![client; 1000];
            value[..8].copy_from_slice(&number.to_le_bytes());
            match connection.call(&Request::Put(vec![client, key], value)).await {
                Ok(answer) => drop(answer.unwrap()),
                Err(_) => return last,
            }
            last[usize::from(key)] = number;
            acknowledged.add_permits(1);
        }
    }
    unreachable!()
}

#[tokio::test]
async fn a_killed_process_has_stored_all_that_it_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let mut total = 0;
    let mut last = [[0; 10]; 4];
    for round in 0..3 {
        let mut server = Server::start(directory.path());
        let acknowledged = Arc::new(Semaphore::new(0));
        let clients: Vec<_> = (0..4)
            .map(|client| {
                tokio::spawn(put_until_killed(server.address.clone(), client, acknowledged.clone()))
            })
            .collect();
        // Waits for enough writes to cause some flushes.
        acknowledged.acquire_many(2000).await.unwrap().forget();
        server.kill();
        for (last, client) in last.iter_mut().zip(clients) {
            *last = client.await.unwrap();
        }
        total = last.iter().flatten().sum::<u64>();

        // The published metrics have outlived the process.
        let published = Reader::open(directory.path().join("engine.metrics")).unwrap();
        assert!(!published.is_live().unwrap());
        let snapshot = published.snapshot().unwrap();
        let records = snapshot["engine_wal_records"].as_u64().unwrap();
        // Each of the four clients may have written one more record whose answer it did not receive.
        assert!((total..=total + 4).contains(&records), "{records} and {total}, round {round}");
        assert!(snapshot["engine_flush"].as_histogram().unwrap().count() > 0, "{snapshot}");

        let metrics = SharedMetrics::default();
        let store =
            Store::open(directory.path(), Options::default(), Arc::clone(&metrics)).unwrap();
        for (client, last) in (0_u8..).zip(&last) {
            for (key, number) in (0_u8..).zip(last) {
                let value = store.get(&[client, key]).unwrap().unwrap_or_else(|| vec![0; 8]);
                let stored = u64::from_le_bytes(value[..8].try_into().unwrap());
                assert!((*number..=number + 1).contains(&stored), "{stored} and not {number}");
            }
        }
        assert!(metrics.snapshot()["engine_wal_replayed"].as_u64().unwrap() > 0);
    }
    assert!(total > 0);
}

/// Needs the environment variable `SMALL`: the directory at which the test below mounts a file system of 3 MiB.
#[test]
#[ignore = "the test below runs it in a small file system"]
fn in_a_small_file_system() {
    let small = PathBuf::from(std::env::var_os("SMALL").unwrap());
    let errors = |snapshot: &Snapshot, name: &str| {
        snapshot[&*format!("engine_{name}{{error_kind=storage_full}}")].as_u64().unwrap()
    };
    // Flushes, compactions and the log fill the file system.
    let snapshot = fill_and_go_on(&small, 1 << 20, 256 << 10);
    let names = ["wal_errors", "flush_errors", "compaction_errors"];
    assert!(names.iter().any(|name| errors(&snapshot, name) > 0), "{snapshot}");
    // Only the log fills the file system, so a frame is written in part.
    let snapshot = fill_and_go_on(&small, 2 << 20, 1 << 30);
    assert_eq!(errors(&snapshot, "wal_errors"), 1, "{snapshot}");
}

/// Fills a file system until a write fails. Then removes a file of `ballast_bytes`, so that the store has space again. Returns
/// the metrics at the time of the failure.
fn fill_and_go_on(small: &Path, ballast_bytes: usize, memtable_bytes: usize) -> Snapshot {
    let (directory, ballast) = (small.join("store"), small.join("ballast"));
    fs::write(&ballast, vec![1; ballast_bytes]).unwrap();
    let options = || Options { memtable_bytes, ..Options::default() };
    let metrics = SharedMetrics::default();
    let store = Store::open(&directory, options(), Arc::clone(&metrics)).unwrap();
    let key = |number: u32| number.to_be_bytes();
    let mut written = 0;
    let error = loop {
        match store.put(&key(written), &[7; 4000]) {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
    };
    let is_full = error.to_string().contains("No space left on device");
    assert!(is_full || matches!(error, Error::Busy), "{error}");
    assert!(written > 100, "{written}");

    // Reads still succeed, and find all acknowledged writes.
    for number in 0..written {
        assert_eq!(store.get(&key(number)).unwrap().unwrap(), [7; 4000]);
    }
    let snapshot = metrics.snapshot();
    assert_eq!(snapshot["engine_wal_records"], u64::from(written));
    let failed = |kind| &snapshot[&*format!("engine_operation_errors{{op=put,error_kind={kind}}}")];
    assert_eq!(failed("storage_full").as_u64().unwrap() + failed("busy").as_u64().unwrap(), 1);
    assert_eq!(failed("stopped"), &0, "{snapshot}");

    // When there is space again, the store accepts writes again without being reopened.
    fs::remove_file(ballast).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while let Err(error) = store.put(b"after", b"it") {
        assert!(Instant::now() < deadline, "{error}");
        std::thread::yield_now();
    }
    drop(store);
    assert_eq!(leftovers(&directory), [""; 0]);
    let store = Store::open(&directory, options(), Arc::default()).unwrap();
    assert_eq!(store.get(b"after").unwrap().unwrap(), b"it");
    for number in 0..written {
        assert_eq!(store.get(&key(number)).unwrap().unwrap(), [7; 4000]);
    }
    drop(store);
    fs::remove_dir_all(directory).unwrap();
    snapshot
}

#[test]
fn on_a_full_disk_writes_fail_and_reads_go_on_until_there_is_space() {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c"])
        .arg("mount -t tmpfs -o size=3m none \"$SMALL\" && exec \"$0\" --ignored --exact in_a_small_file_system")
        .arg(std::env::current_exe().unwrap())
        .env("SMALL", directory.path())
        .output()
        .expect("this needs `unshare` of util-linux, to mount a small file system for one process");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}\n{stderr}");
}
