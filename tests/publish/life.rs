//! The life of a published file, from its creation to its removal, with a backend in a separate process.

#![allow(unsafe_code)] // locks, forks and namespaces are system calls
#![allow(clippy::unnecessary_debug_formatting)] // messages format paths this way

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink},
        net::UnixListener,
    },
    path::Path,
    process::Command,
};

use crate::common::Backend;
use papyra_metrics::{
    Metrics,
    persistence::PersistenceMetrics,
    publish::{Published, Reader},
};

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn another_process_reads_counts_while_they_change() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let mut backend = Backend::publishing(&path);
    backend.request("write 3");
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.snapshot().unwrap()["records_written"], 3);
    backend.request("write 4");
    backend.request("fail 1");
    backend.request("open -2");
    backend.request("hit 9");
    assert_eq!(
        reader.snapshot().unwrap().to_string(),
        "records_written: 7\nbytes_written: 700\nwrite_errors: 1\nopen_segments: -2\ncache_hits: 9"
    );
    assert!(reader.is_live().unwrap());
    assert_eq!(reader.process().pid(), backend.pid());
    assert_eq!(reader.process().program(), "papyra-metrics-tests-backend");
    let about: Vec<_> = reader
        .metrics()
        .iter()
        .map(|metric| (metric.name(), metric.kind().to_string(), metric.help(), metric.unit()))
        .collect();
    assert_eq!(
        about[1],
        ("bytes_written", "counter".into(), "Payload bytes written.", Some("bytes"))
    );
    assert_eq!(about[3], ("open_segments", "gauge".into(), "", None));
}

#[test]
fn a_killed_process_leaves_its_last_counts() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let mut backend = Backend::publishing(&path);
    backend.request("write 12");
    backend.kill();
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.snapshot().unwrap()["records_written"], 12);
    assert!(!reader.is_live().unwrap());
}

#[test]
fn a_process_killed_during_its_work_leaves_every_acknowledged_count() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let mut backend = Backend::publishing(&path);
    backend.request("write 1000");
    backend.send("load 1000000000");
    let reader = Reader::open(&path).unwrap();
    while reader.snapshot().unwrap()["records_written"] == 1000 {
        std::thread::yield_now();
    }
    backend.kill();
    let last = reader.snapshot().unwrap();
    assert!(last["records_written"].as_u64() > Some(1000));
    // The killed process was the only one that counted, so the values stay the same.
    assert_eq!(Reader::open(&path).unwrap().snapshot().unwrap(), last);
}

#[test]
fn a_second_process_gets_an_error_that_names_the_first() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let mut first = Backend::publishing(&path);
    first.request("write 1");
    let mut second = Backend::start();
    let answer = second.request(&format!("publish {}", path.display()));
    assert_eq!(
        answer,
        format!(
            "cannot publish metrics at {path:?}: papyra-metrics-tests-backend (pid {}) is alive and publishes there; \
             give each process its own path",
            first.pid()
        )
    );
    // The first process continues to publish, and no other file remains.
    first.request("write 1");
    assert_eq!(Reader::open(&path).unwrap().snapshot().unwrap()["records_written"], 2);
    assert_eq!(names(directory.path()), ["log.metrics"]);
}

#[test]
fn a_second_publisher_in_the_same_process_gets_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let metrics = Published::<PersistenceMetrics>::create(&path).unwrap();
    let error = Published::<PersistenceMetrics>::create(&path).unwrap_err();
    assert!(error.is_in_use());
    assert_eq!(error.path(), path);
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::ResourceBusy);
    metrics.records_read.inc();
    assert_eq!(Reader::open(&path).unwrap().snapshot().unwrap()["records_read"], 1);
}

#[test]
fn the_file_of_a_dead_process_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let mut first = Backend::publishing(&path);
    first.request("write 5");
    first.kill();
    let old = Reader::open(&path).unwrap();
    let mut second = Backend::publishing(&path);
    second.request("write 1");
    let new = Reader::open(&path).unwrap();
    assert_eq!(new.snapshot().unwrap()["records_written"], 1);
    assert_eq!(new.process().pid(), second.pid());
    // A reader that had opened the old file continues to read the old file.
    assert_eq!(old.snapshot().unwrap()["records_written"], 5);
    assert_eq!(names(directory.path()), ["log.metrics"]);
}

#[test]
fn one_of_many_concurrent_successors_replaces_the_file_of_a_dead_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    Backend::publishing(&path).kill();
    for _ in 0..20 {
        let mut rivals: Vec<_> = (0..4).map(|_| Backend::start()).collect();
        for rival in &mut rivals {
            rival.send(&format!("publish {}", path.display()));
        }
        let answers: Vec<_> = rivals.iter_mut().map(Backend::receive).collect();
        let won = answers.iter().filter(|answer| *answer == "ok").count();
        assert_eq!(won, 1, "{answers:?}");
        let winner = answers.iter().position(|answer| answer == "ok").unwrap();
        assert_eq!(Reader::open(&path).unwrap().process().pid(), rivals[winner].pid());
        rivals.into_iter().for_each(Backend::kill);
    }
    assert_eq!(names(directory.path()), ["log.metrics"]);
}

#[test]
fn a_reader_never_sees_a_file_that_is_not_complete() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let mut backend = Backend::start();
    for _ in 0..300 {
        backend.send(&format!("publish {}", path.display()));
        backend.send("drop");
    }
    let done = directory.path().join("done");
    let (answers, seen) = std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut seen = 0;
            while !done.exists() {
                match Reader::open(&path) {
                    Ok(reader) => {
                        assert_eq!(reader.snapshot().unwrap().len(), 5);
                        seen += 1;
                    }
                    Err(error) => assert!(error.is_unavailable(), "{error}"),
                }
            }
            seen
        });
        let answers: Vec<_> = (0..600).map(|_| backend.receive()).collect();
        fs::write(&done, "").unwrap();
        (answers, reading.join().unwrap())
    });
    assert!(answers.iter().all(|answer| answer == "ok"), "{answers:?}");
    assert!(seen > 0, "no reader has seen a file");
}

#[test]
fn dropping_removes_the_file_unless_keep_was_called() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let mut backend = Backend::publishing(&path);
    backend.request("drop");
    assert_eq!(names(directory.path()), [""; 0]);

    let mut backend = Backend::publishing(&path);
    backend.request("keep");
    backend.request("write 8");
    backend.request("drop");
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.snapshot().unwrap()["records_written"], 8);
    // The process still runs, but the file is not live, because the process has dropped the metrics.
    assert!(!reader.is_live().unwrap());
    // A new file of the process replaces the kept file. The new file is removed when the process exits normally.
    assert_eq!(backend.request(&format!("publish {}", path.display())), "ok");
    backend.end();
    assert_eq!(names(directory.path()), [""; 0]);
}

#[test]
fn a_process_removes_its_file_even_after_it_has_changed_its_directory() {
    let directory = tempfile::tempdir().unwrap();
    let mut backend = Backend::start();
    backend.request(&format!("enter {}", directory.path().display()));
    assert_eq!(backend.request("publish log.metrics"), "ok");
    backend.request("enter /");
    assert_eq!(names(directory.path()), ["log.metrics"]);
    backend.request("drop");
    assert_eq!(names(directory.path()), [""; 0]);
}

#[test]
fn dropping_does_not_remove_the_file_of_another_publisher() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let metrics = Published::<PersistenceMetrics>::create(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let other = Published::<PersistenceMetrics>::create(&path).unwrap();
    other.records_read.inc();
    drop(metrics);
    assert_eq!(Reader::open(&path).unwrap().snapshot().unwrap()["records_read"], 1);
}

#[test]
fn only_the_owner_may_read_and_write_the_file_whatever_the_umask_is() {
    let directory = tempfile::tempdir().unwrap();
    for umask in ["000", "022", "777"] {
        let path = directory.path().join(umask);
        let mut shell = Command::new("sh")
            .arg("-c")
            .arg(format!("umask {umask}; exec \"$0\""))
            .arg(env!("CARGO_BIN_EXE_papyra-metrics-tests-backend"))
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut input = shell.stdin.take().unwrap();
        io::Write::write_all(&mut input, format!("publish {}\nkeep\n", path.display()).as_bytes())
            .unwrap();
        drop(input);
        assert!(shell.wait().unwrap().success());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    }
}

#[test]
fn files_that_are_not_metrics_files_are_not_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let publish =
        |name: &str| Published::<PersistenceMetrics>::create(at(name)).unwrap_err().to_string();

    fs::write(at("text"), "not ours").unwrap();
    assert!(publish("text").ends_with(
        "there is a file that is not a metrics file, which is left alone; remove it or use another path"
    ));
    assert_eq!(fs::read_to_string(at("text")).unwrap(), "not ours");

    fs::write(at("empty"), "").unwrap();
    assert!(publish("empty").contains("a file that is not a metrics file"));

    // Publishing does not write through a symbolic link, and does not replace the link.
    fs::write(at("target"), "").unwrap();
    for target in ["target", "nothing"] {
        symlink(at(target), at("link")).unwrap();
        assert!(publish("link").contains("there is a symbolic link"));
        assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
        fs::remove_file(at("link")).unwrap();
    }
    assert_eq!(fs::metadata(at("target")).unwrap().len(), 0);
    assert!(!at("nothing").exists());

    fs::create_dir(at("directory")).unwrap();
    assert!(publish("directory").contains("there is a directory"));

    assert!(Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
    assert!(publish("fifo").contains("there is a fifo"));
    assert!(fs::symlink_metadata(at("fifo")).unwrap().file_type().is_fifo());

    let _listener = UnixListener::bind(at("socket")).unwrap();
    assert!(publish("socket").contains("there is a socket"));

    assert_eq!(names(directory.path()), ["directory", "empty", "fifo", "socket", "target", "text"]);
}

#[test]
fn a_path_that_cannot_be_created_is_an_error_with_the_reason() {
    let publish =
        |path: &str| Published::<PersistenceMetrics>::create(path).unwrap_err().to_string();
    assert_eq!(
        publish("/no/such/directory/log.metrics"),
        "cannot publish metrics at \"/no/such/directory/log.metrics\": creating a file in its directory: No such \
         file or directory (os error 2)"
    );
    for path in ["", "/", "..", "/tmp/", "/tmp/.."] {
        assert!(publish(path).contains("does not end in a file name"), "{path}: {}", publish(path));
    }
    // A device is not a directory, and no file can be created in /proc.
    assert!(publish("/dev/full/log.metrics").contains("Not a directory"));
    publish("/proc/log.metrics");
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_of_publishing() {
    // A limit of 0 forbids every write to a file. The process ignores `SIGXFSZ`, so that such a write returns an error.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let output = Command::new("sh")
        .arg("-c")
        .arg("ulimit -f 0; trap '' XFSZ; printf 'or-private %s\\nwrite 3\\nsnapshot\\n' \"$1\" | \"$0\"")
        .arg(env!("CARGO_BIN_EXE_papyra-metrics-tests-backend"))
        .arg(&path)
        .output()
        .unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = answer.lines().collect();
    assert!(lines[0].contains("writing the file: File too large"), "{answer}");
    assert!(lines[2].starts_with("records_written: 3"), "{answer}");
    assert_eq!(names(directory.path()), [""; 0]);
}

macro_rules! thousand {
    ($($name:ident)*) => {
        #[derive(Default, Metrics)]
        struct Thousand { $($name: papyra_metrics::Counter),* }
    };
}

include!("../derive/thousand.in");

/// The test below runs this test in a file system of 80 KiB, which has room for the description but not for all values.
#[test]
#[ignore = "the test below runs it in a small file system"]
fn in_a_small_file_system() {
    let path = std::env::var_os("SMALL").unwrap();
    let path = Path::new(&path).join("log.metrics");
    let error = Published::<Thousand>::create(&path).map(|_| ()).unwrap_err().to_string();
    assert!(error.ends_with("writing the file: No space left on device (os error 28)"), "{error}");
    let metrics = Published::<Thousand>::create_or_private(&path);
    metrics.field_999.inc();
    assert_eq!(metrics.field_999.get(), 1);
    assert_eq!(names(path.parent().unwrap()), [""; 0]);
}

#[test]
#[ignore = "needs a user namespace, to mount a small file system; .ci/run runs it"]
fn on_a_disk_that_is_full_a_backend_counts_in_private_memory_and_is_not_killed() {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c"])
        .arg("mount -t tmpfs -o size=80k none \"$SMALL\" && exec \"$0\" --ignored --exact life::in_a_small_file_system")
        .arg(std::env::current_exe().unwrap())
        .env("SMALL", directory.path())
        .output()
        .expect("this needs `unshare` of util-linux, to mount a small file system for one process");
    assert!(
        output.status.success(),
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

#[test]
fn a_backend_that_cannot_publish_counts_in_private_memory_and_returns_the_error() {
    let metrics =
        Published::<PersistenceMetrics>::create_or_private("/no/such/directory/log.metrics");
    metrics.records_written.add(2);
    assert_eq!(metrics.snapshot()["records_written"], 2);
    assert_eq!(metrics.path(), None);
    let error = metrics.error().unwrap();
    assert!(error.to_string().contains("No such file or directory"));
    // The message already contains the cause, so the error has no source.
    assert!(std::error::Error::source(error).is_none());

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let metrics = Published::<PersistenceMetrics>::create_or_private(&path);
    assert_eq!(metrics.path(), Some(path.as_path()));
    assert!(metrics.error().is_none());
}

#[test]
fn default_published_metrics_count_in_private_memory() {
    let metrics = Published::<PersistenceMetrics>::default();
    metrics.records_written.add(2);
    assert_eq!(metrics.snapshot()["records_written"], 2);
    assert!(metrics.path().is_none() && metrics.error().is_none());
    assert_eq!(Published::<PersistenceMetrics>::private().keep().snapshot().len(), 18);
}

/// Locks the first `len` bytes of a file until the file is closed. If `len` is 0, locks the whole file. Any program can
/// take such a lock.
fn lock(file: &fs::File, kind: libc::c_int, len: libc::off_t) {
    // SAFETY: a `flock` of zeros is valid, and the system call only reads it.
    let done = unsafe {
        let mut range: libc::flock = std::mem::zeroed();
        range.l_type = kind.try_into().unwrap();
        range.l_len = len;
        libc::fcntl(std::os::fd::AsRawFd::as_raw_fd(file), libc::F_OFD_SETLK, &raw mut range)
    };
    assert_eq!(done, 0, "{}", io::Error::last_os_error());
}

#[test]
fn the_lock_of_a_reader_does_not_make_a_dead_process_live() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    Backend::publishing(&path).kill();
    let reading = fs::File::open(&path).unwrap();
    lock(&reading, libc::F_RDLCK, 0);
    assert!(!Reader::open(&path).unwrap().is_live().unwrap());
    let error = Published::<PersistenceMetrics>::create(&path).unwrap_err();
    assert!(!error.is_in_use(), "{error}");
    assert!(error.to_string().contains("a reader has locked the file"), "{error}");
    drop(reading);
    let metrics = Published::<PersistenceMetrics>::create(&path).unwrap();

    // A live publisher is recognized by the lock that it holds.
    assert!(Reader::open(&path).unwrap().is_live().unwrap());
    drop(metrics);
}

#[test]
fn a_successor_is_not_mistaken_for_the_dead_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let dead = Backend::publishing(&path);
    let pid = dead.pid();
    dead.kill();
    // A process takes this lock before it replaces the file.
    let successor = fs::File::options().read(true).write(true).open(&path).unwrap();
    lock(&successor, libc::F_WRLCK, 1);
    assert!(!Reader::open(&path).unwrap().is_live().unwrap());
    let error = Published::<PersistenceMetrics>::create(&path).unwrap_err();
    assert!(error.is_in_use());
    assert!(!error.to_string().contains(&pid.to_string()), "{error}");
}

/// The test below runs this test as process 1 of a pid namespace. This test forks a child, which is process 1 of a
/// nested pid namespace.
#[test]
#[ignore = "the test below runs it in a pid namespace"]
fn in_a_nested_pid_namespace() {
    assert_eq!(std::process::id(), 1);
    let path = std::env::var_os("NESTED").unwrap();
    let mut metrics = Some(Published::<PersistenceMetrics>::create(&path).unwrap());
    // SAFETY: the child counts, drops the metrics, and ends without unwinding.
    let child = unsafe {
        assert_eq!(libc::unshare(libc::CLONE_NEWPID), 0, "{}", io::Error::last_os_error());
        libc::fork()
    };
    assert!(child >= 0);
    if child == 0 {
        metrics.as_ref().unwrap().records_read.inc();
        let code = if std::process::id() == 1 { 0 } else { 2 };
        drop(metrics.take());
        // SAFETY: `_exit` only ends the process.
        unsafe { libc::_exit(code) };
    }
    let mut status = 1;
    // SAFETY: this process forked the child, and `status` is valid for writes.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
    assert_eq!(Reader::open(&path).unwrap().snapshot().unwrap()["records_read"], 1);
    drop(metrics);
    assert!(!Path::new(&path).exists());
}

#[test]
#[ignore = "needs a user namespace, to start a process in a pid namespace; .ci/run runs it"]
fn a_child_with_the_same_id_in_another_pid_namespace_does_not_remove_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new("unshare")
        .args(["--map-root-user", "--pid", "--fork"])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "life::in_a_nested_pid_namespace"])
        .env("NESTED", directory.path().join("log.metrics"))
        .output()
        .expect("this needs `unshare` of util-linux, to start a process in a pid namespace");
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && out.contains("1 passed"),
        "{out}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_file_takes_no_more_than_its_metrics_need() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let _metrics = Published::<PersistenceMetrics>::create(&path).unwrap();
    let size = fs::metadata(&path).unwrap().size();
    // The description takes about 130 bytes for each metric, and 1,248 bytes for the bounds of the histograms.
    let metrics = size_of::<PersistenceMetrics>() as u64;
    assert!(size < metrics + 4096, "{size} bytes for {metrics} of metrics");
}
