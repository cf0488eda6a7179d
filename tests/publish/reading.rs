//! A reader validates all contents of a file, and returns exactly the values in the file.

#![allow(clippy::unnecessary_debug_formatting)] // messages format paths this way

use std::{
    fs,
    os::unix::{
        fs::{FileExt, symlink},
        net::UnixListener,
    },
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
};

use crate::common::Backend;
use crate::forgery::{description_len, forged, set_checksum};
use papyra_metrics::{
    CachePadded, Counter, FloatGauge, Gauge, Histogram, Metered, Metrics, Peak, ShardedCounter,
    Sizes, Snapshot,
    publish::{Published, ReadError, Reader},
};

#[derive(Debug, Default, Metrics)]
struct LogMetrics {
    /// Records appended.
    records_written: Counter,
    #[metrics(unit = "bytes")]
    bytes_written: Counter,
    plain: AtomicU64,
    level: AtomicI64,
    open_segments: Gauge,
    #[metrics(flatten, prefix = "cache_")]
    cache: CacheMetrics<Counter>,
    record_size: Histogram<Sizes>,
    fill_ratio: FloatGauge,
    longest_queue: Peak,
}

#[derive(Debug, Default, Metrics)]
struct CacheMetrics<I> {
    misses: I,
}

/// The bytes of a published file, and a directory for changed copies of the file.
struct Sample {
    directory: tempfile::TempDir,
    bytes: Vec<u8>,
}

impl Sample {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let metrics = Published::<LogMetrics>::create(directory.path().join("sample")).unwrap();
        metrics.records_written.add(7);
        metrics.records_written.reset();
        metrics.records_written.add(5);
        metrics.bytes_written.add(100);
        metrics.open_segments.set(-3);
        metrics.record_size.record(100);
        metrics.longest_queue.record(7);
        let bytes = fs::read(directory.path().join("sample")).unwrap();
        Self { directory, bytes }
    }

    /// Returns a file in version 1 of the format.
    fn version_1() -> Self {
        let bytes = include_bytes!("version-1.metrics").to_vec();
        Self { directory: tempfile::tempdir().unwrap(), bytes }
    }

    /// Returns the 32-bit number at this offset.
    fn number(&self, at: usize) -> usize {
        u32::from_ne_bytes(self.bytes[at..at + 4].try_into().unwrap()).try_into().unwrap()
    }

    /// Returns the offset of the entry of a metric.
    fn entry(&self, metric: usize) -> usize {
        64 + self.number(20) * metric
    }

    fn metric_count(&self) -> usize {
        self.number(40)
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("file")
    }

    fn open(&self, bytes: &[u8]) -> Result<Reader, ReadError> {
        self.open_with_hole(bytes, bytes.len().try_into().unwrap())
    }

    /// Writes a file that begins with these bytes, and extends it to this length by a hole. Opens the file.
    fn open_with_hole(&self, bytes: &[u8], len: u64) -> Result<Reader, ReadError> {
        // Overwrites the file, because creating a new file can be slow on some file systems.
        let file = fs::File::options().write(true).create(true).truncate(false).open(self.path());
        let file = file.unwrap();
        file.write_all_at(bytes, 0).unwrap();
        // Removes what is left of an earlier, longer file.
        file.set_len(bytes.len().try_into().unwrap()).unwrap();
        file.set_len(len).unwrap();
        Reader::open(self.path())
    }

    /// Returns the error of opening a file with these bytes.
    fn fault(&self, bytes: &[u8]) -> String {
        self.open(bytes).unwrap_err().to_string()
    }

    /// Returns the bytes with a changed description and the matching checksum.
    fn forged(&self, at: usize, change: &[u8]) -> Vec<u8> {
        forged(&self.bytes, &[(at, change)])
    }
}

#[test]
fn a_change_of_any_bit_of_the_description_is_an_error() {
    for sample in [Sample::new(), Sample::version_1()] {
        let before = sample.open(&sample.bytes).unwrap().snapshot().unwrap();
        for at in 0..description_len(&sample.bytes) {
            for bit in 0..8 {
                let mut bytes = sample.bytes.clone();
                bytes[at] ^= 1 << bit;
                assert!(sample.open(&bytes).is_err(), "byte {at}, bit {bit}");
            }
        }
        assert_eq!(sample.open(&sample.bytes).unwrap().snapshot().unwrap(), before);
    }
}

#[test]
fn a_file_of_version_1_is_read_and_reset() {
    let sample = Sample::version_1();
    let reader = sample.open(&sample.bytes).unwrap();
    let values =
        "records_written: 5\nbytes_written: 500\nwrite_errors: 1\nopen_segments: -3\ncache_hits: 9";
    assert_eq!(reader.snapshot().unwrap().to_string(), values);
    let totals = values.replace(": 5", ": 12");
    assert_eq!(reader.totals().unwrap().to_string(), totals);
    let bytes_written = &reader.metrics()[1];
    assert_eq!(
        (bytes_written.name(), bytes_written.series(), bytes_written.unit()),
        ("bytes_written", "bytes_written", Some("bytes"))
    );
    assert_eq!((bytes_written.help(), bytes_written.labels().len()), ("Payload bytes written.", 0));
    assert_eq!(reader.process().program(), "papyra-metrics-tests-backend");
    Reader::reset(sample.path()).unwrap();
    let values =
        "records_written: 0\nbytes_written: 0\nwrite_errors: 0\nopen_segments: -3\ncache_hits: 0";
    assert_eq!(reader.snapshot().unwrap().to_string(), values);
}

#[test]
fn a_file_truncated_to_any_length_is_an_error() {
    let sample = Sample::new();
    for len in 1..sample.bytes.len() {
        let fault = sample.fault(&sample.bytes[..len]);
        assert!(
            fault.ends_with("the metrics file is damaged: the file is cut short"),
            "{len}: {fault}"
        );
    }
    assert!(sample.open(&[]).unwrap_err().is_unavailable());
    // Additional bytes at the end are not an error, because a later version may append them.
    let longer = [sample.bytes.as_slice(), b"more"].concat();
    assert_eq!(sample.open(&longer).unwrap().snapshot().unwrap()["records_written"], 5);
}

#[test]
fn tens_of_thousands_of_mutated_files_give_values_or_errors() {
    for sample in [Sample::new(), Sample::version_1()] {
        mutate(&sample);
    }
}

fn mutate(sample: &Sample) {
    let mut random = fastrand::Rng::with_seed(7);
    let description = description_len(&sample.bytes);
    let (mut read, mut refused, mut with_holes) = (0, 0, 0);
    for _ in 0..20_000 {
        let mut bytes = sample.bytes.clone();
        let mut hole = 0;
        for _ in 0..random.usize(1..=4) {
            let at = random.usize(..bytes.len());
            let entry = sample.entry(random.usize(..sample.metric_count()));
            match random.usize(..10) {
                0 => bytes.truncate(at.max(1)),
                1 => bytes[at] = 0xff,
                2 => bytes[at] = random.u8(..),
                3 => {
                    // Changes a whole aligned word.
                    let at = at & !7;
                    let word = random.u64(..) >> random.usize(..64);
                    let end = bytes.len().min(at + 8);
                    bytes[at..end].copy_from_slice(&word.to_ne_bytes()[..end - at]);
                }
                4 => {
                    let from = random.usize(..bytes.len());
                    let len = random.usize(..24).min(bytes.len() - at).min(bytes.len() - from);
                    bytes.copy_within(from..from + len, at);
                }
                // Replaces the location of one string or list by the location of another.
                5 if bytes.len() >= description => {
                    let pairs = [0, 8, 16, 64, 72];
                    let other = sample.entry(random.usize(..sample.metric_count()));
                    let (from, to) =
                        (other + pairs[random.usize(..5)], entry + pairs[random.usize(..5)]);
                    bytes.copy_within(from..from + 8, to);
                }
                // Adds a hole to the values, at the end of the file. Gives a metric so many cells that some of them may
                // be in the hole.
                6 if bytes.len() == sample.bytes.len() => {
                    let words = 1024 + random.usize(..1 << 12);
                    hole = 8 * words as u64;
                    let len = bytes.len() as u64 + hole;
                    bytes[24..32].copy_from_slice(&len.to_ne_bytes());
                    let cells = u32::try_from(random.usize(..words)).unwrap();
                    bytes[entry + 56..entry + 60].copy_from_slice(&cells.to_ne_bytes());
                }
                // Changes the kind of a metric.
                7 if bytes.len() >= description => {
                    bytes[entry + 24] = random.u8(..7);
                }
                // Changes the version of the format, so that entries are decoded by the rules of the other version.
                8 if bytes.len() >= description && random.usize(..4) == 0 => {
                    bytes[12] ^= 3;
                }
                // Gives a metric's list of labels or bounds a random offset, and a length of at most three items.
                9 if bytes.len() >= description => {
                    let at = entry + [64, 72][random.usize(..2)];
                    let offset = u32::try_from(random.usize(..description)).unwrap();
                    bytes[at..at + 4].copy_from_slice(&offset.to_ne_bytes());
                    bytes[at + 4] = random.u8(..4);
                }
                _ => {}
            }
        }
        // Most files get the right checksum, so that later checks are reached.
        if bytes.len() >= description && random.usize(..8) != 0 {
            set_checksum(&mut bytes[..description]);
        }
        let len = bytes.len() as u64 + hole;
        match sample.open_with_hole(&bytes, len) {
            Ok(reader) => {
                // Formatting computes means and quantiles too.
                assert!(
                    !reader.snapshot().unwrap().to_string().is_empty()
                        || reader.metrics().is_empty()
                );
                reader.totals().unwrap();
                if let Err(error) = Reader::reset(sample.path()) {
                    assert!(error.to_string().contains("it has holes"), "{error}");
                    with_holes += 1;
                }
                // A change of the header has no effect once the file is open.
                let file = fs::File::options().write(true).open(sample.path()).unwrap();
                file.write_all_at(&random.u64(..).to_ne_bytes(), 24).unwrap();
                reader.snapshot().unwrap();
                read += 1;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
        }
    }
    // These numbers must be large. Otherwise, nearly all mutations would be harmless, or nearly all would be rejected
    // at the first check.
    assert!(
        read > 1000 && refused > 1000 && with_holes > 100,
        "{read} read, {refused} refused, {with_holes} with holes"
    );
}

#[test]
fn descriptions_with_a_valid_checksum_are_checked_too() {
    let sample = Sample::new();
    let entry = 64;
    let fault = |at: usize, change: &[u8]| sample.fault(&sample.forged(at, change));
    let word = |n: u64| n.to_ne_bytes();
    let half = |n: u32| n.to_ne_bytes();

    // Entries that are too short are rejected. So is a number of entries for which the description has no room.
    assert!(fault(20, &half(87)).ends_with("invalid length or number of entries"));
    assert!(fault(40, &half(u32::MAX)).ends_with("invalid length or number of entries"));
    // A file that is shorter than its header says is rejected. So is a description that is longer than the file, or
    // shorter than the header.
    assert!(fault(24, &word(u64::MAX)).ends_with("the file is cut short"));
    assert!(fault(32, &word(u64::MAX)).ends_with("the file is cut short"));
    assert!(fault(32, &word(8)).ends_with("invalid length of the description"));
    // A string that lies outside of the table of strings, or is not UTF-8, is rejected.
    assert!(fault(entry, &half(u32::MAX)).ends_with("invalid string"));
    assert!(fault(entry, &half(0)).ends_with("invalid string"));
    assert!(
        fault(entry + 4, &half(u32::MAX)).ends_with("strings overlap or exceed the description")
    );
    // A name is rejected if it is invalid, if another metric has the same name, or if it is shorter than its prefixes.
    assert!(fault(entry + 4, &half(0)).ends_with("invalid name of a metric"));
    assert!(fault(entry + 28, &half(99)).ends_with("invalid name of a metric"));
    let second: [u8; 8] = sample.bytes[sample.entry(1)..][..8].try_into().unwrap();
    assert!(fault(entry, &second).ends_with("two metrics have the same name"));
    assert!(fault(entry + 24, &half(7)).ends_with("unknown kind of a metric"));
    // The cells of a metric must be aligned, and must lie in the section of values. Cells in the description, beyond
    // the end of the file or across this end are rejected. So is an offset that wraps.
    let outside = "invalid location of a metric's cells";
    for offset in
        [0, 8, 64, sample.bytes.len() as u64, sample.bytes.len() as u64 - 4, u64::MAX - 7, u64::MAX]
    {
        assert!(fault(entry + 32, &word(offset)).ends_with(outside), "{offset}");
        if offset != 0 {
            assert!(fault(entry + 48, &word(offset)).ends_with(outside), "{offset}");
        }
    }
    // A metric without cells is rejected. So is a metric with more cells than the file has words, even if all cells are
    // at the same offset. Otherwise, a small file could make a reader add up the same word billions of times.
    assert!(fault(entry + 56, &half(0)).ends_with(outside));
    assert!(fault(entry + 56, &half(u32::MAX)).ends_with(outside));
    let same_cell = [word(0), word(0)].concat();
    let changes = [(entry + 40, &same_cell[..]), (entry + 56, &half(u32::MAX))];
    assert!(sample.fault(&forged(&sample.bytes, &changes)).ends_with(outside));
}

#[test]
fn a_counter_of_several_cells_is_their_sum_minus_one_baseline() {
    let mut sample = Sample::new();
    let entry = sample.entry(0);
    // The total of the second counter also becomes a cell of the first counter. The last metric is removed, because all
    // metrics together may not have more cells than the file has words.
    let metrics = u32::try_from(sample.metric_count() - 1).unwrap();
    sample.bytes = sample.forged(40, &metrics.to_ne_bytes());
    sample.bytes = sample.forged(entry + 40, &16_u64.to_ne_bytes());
    sample.bytes = sample.forged(entry + 56, &2_u32.to_ne_bytes());
    let reader = sample.open(&sample.bytes).unwrap();
    assert_eq!(reader.snapshot().unwrap()["records_written"], 5 + 100);
    assert_eq!(reader.totals().unwrap()["records_written"], 12 + 100);
    Reader::reset(sample.path()).unwrap();
    assert_eq!(reader.snapshot().unwrap()["records_written"], 0);
    assert_eq!(reader.totals().unwrap()["records_written"], 12 + 100);
}

#[test]
fn other_versions_byte_orders_and_files_have_their_own_errors() {
    let sample = Sample::new();
    for version in [0, 3, u32::MAX] {
        assert!(sample.fault(&sample.forged(12, &version.to_ne_bytes())).ends_with(&format!(
            "the file has version {version} of the format, and this program reads versions 1 and 2; use the version of \
             papyra-metrics that wrote it"
        )));
    }
    let swapped = sample.forged(8, &0x0102_0304_u32.swap_bytes().to_ne_bytes());
    assert!(sample.fault(&swapped).ends_with(
        "a machine with the other byte order wrote the file; read it on such a machine"
    ));
    for other in [&b"records_written: 3\n"[..], &[0; 4096], b"\x7fELF", b"x"] {
        let error = sample.open(other).unwrap_err();
        assert!(error.to_string().ends_with("not a metrics file"));
        assert!(!error.is_unavailable());
    }
}

#[test]
fn a_description_of_a_terabyte_is_rejected() {
    let sample = Sample::new();
    let file = fs::File::create(sample.path()).unwrap();
    // Writes a sparse file of one terabyte. According to its header, the description has this length too.
    let mut header = sample.bytes[..64].to_vec();
    header[24..32].copy_from_slice(&(1_u64 << 40).to_ne_bytes());
    header[32..40].copy_from_slice(&(1_u64 << 40).to_ne_bytes());
    file.write_all_at(&header, 0).unwrap();
    file.set_len(1 << 40).unwrap();
    let fault = Reader::open(sample.path()).unwrap_err().to_string();
    assert!(fault.ends_with("invalid length of the description"), "{fault}");
}

#[test]
fn special_files_are_rejected_by_their_kind() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let socket = directory.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    let cases: [(&Path, &str); 6] = [
        (&fifo, "it is a fifo, not a metrics file"),
        (&socket, "it is a socket, not a metrics file"),
        (directory.path(), "it is a directory, not a metrics file"),
        ("/dev/zero".as_ref(), "it is a device, not a metrics file"),
        ("/dev/full".as_ref(), "it is a device, not a metrics file"),
        ("/no/such/file".as_ref(), "no such file"),
    ];
    for (path, message) in cases {
        let error = Reader::open(path).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot read metrics from {path:?}: {message}"));
        assert!(error.is_unavailable());
        assert!(Reader::reset(path).unwrap_err().is_unavailable());
    }
}

#[test]
fn a_file_is_read_through_a_symbolic_link() {
    let sample = Sample::new();
    fs::write(sample.path(), &sample.bytes).unwrap();
    let link = sample.directory.path().join("link");
    symlink(sample.path(), &link).unwrap();
    assert_eq!(Reader::open(link).unwrap().snapshot().unwrap()["records_written"], 5);
}

#[test]
fn a_file_truncated_while_it_is_open_is_an_error_and_not_a_signal() {
    let sample = Sample::new();
    let reader = sample.open(&sample.bytes).unwrap();
    fs::File::options().write(true).open(sample.path()).unwrap().set_len(100).unwrap();
    let message = reader.snapshot().unwrap_err().to_string();
    assert!(message.ends_with("the metrics file is damaged: the file is cut short"), "{message}");
}

#[test]
fn a_reset_from_outside_has_the_same_effect_as_one_inside() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let mut backend = Backend::publishing(&path);
    for line in ["write 7", "fail 2", "open 4", "hit 1"] {
        backend.request(line);
    }
    let reader = Reader::reset(&path).unwrap();
    let expected =
        "records_written: 0, bytes_written: 0, write_errors: 0, open_segments: 4, cache_hits: 0";
    assert_eq!(backend.request("snapshot"), expected);
    assert_eq!(reader.snapshot().unwrap().to_string(), expected.replace(", ", "\n"));
    // Totals are unchanged. A plain atomic is an exception: it has only one cell, which the reset sets to zero.
    let totals =
        "records_written: 7, bytes_written: 700, write_errors: 0, open_segments: 4, cache_hits: 1";
    assert_eq!(backend.request("totals"), totals);
    assert_eq!(reader.totals().unwrap().to_string(), totals.replace(", ", "\n"));
    backend.request("write 2");
    assert_eq!(reader.snapshot().unwrap()["records_written"], 2);
}

#[test]
fn resets_from_outside_lose_no_count_of_a_busy_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let mut backend = Backend::publishing(&path);
    let reader = Reader::open(&path).unwrap();
    std::thread::scope(|scope| {
        let working = scope.spawn(|| backend.request("load 200000"));
        while !working.is_finished() {
            Reader::reset(&path).unwrap();
            // If a baseline were ahead of the total, the value would be nearly 2⁶⁴.
            assert!(reader.snapshot().unwrap()["records_written"].as_u64() <= Some(800_000));
        }
    });
    assert_eq!(reader.totals().unwrap()["records_written"], 800_000);
}

#[test]
fn a_reading_under_load_is_never_torn() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let metrics = Published::<LogMetrics>::create(&path).unwrap();
    let reader = Reader::open(&path).unwrap();
    // All bytes of a value are equal, so that a torn value is detected.
    let ones = u64::from_ne_bytes([1; 8]);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            for _ in 0..100_000 {
                let value = reader.snapshot().unwrap()["plain"].as_u64().unwrap();
                assert_eq!(value % ones, 0, "{value:x}");
            }
        });
        while !reading.is_finished() {
            for byte in 0..=255 {
                metrics.plain.store(byte * ones, Ordering::Relaxed);
            }
        }
    });
}

#[test]
fn eight_processes_under_load_add_up_exactly() {
    let directory = tempfile::tempdir().unwrap();
    let path = |child: usize| directory.path().join(format!("worker-{child}.metrics"));
    let mut workers: Vec<_> = (0..8).map(|child| Backend::publishing(&path(child))).collect();
    for worker in &mut workers {
        worker.send("load 25000");
    }
    let sum = || -> u64 {
        let snapshots = (0..8).map(|child| Reader::open(path(child)).unwrap().snapshot().unwrap());
        snapshots.map(|snapshot: Snapshot| snapshot["records_written"].as_u64().unwrap()).sum()
    };
    assert!(sum() <= 800_000);
    for worker in &mut workers {
        assert_eq!(worker.receive(), "ok");
    }
    workers.into_iter().for_each(Backend::kill);
    assert_eq!(sum(), 800_000);
}

#[test]
fn published_metrics_are_used_like_other_metrics() {
    struct Backend {
        metrics: Published<LogMetrics>,
    }
    impl Metered for Backend {
        fn metrics(&self) -> Option<&dyn Metrics> {
            Some(&self.metrics)
        }
    }
    #[derive(Metrics)]
    struct Service {
        #[metrics(flatten, prefix = "log_")]
        log: std::sync::Arc<Published<LogMetrics>>,
    }
    #[derive(Default, Metrics)]
    struct Marked {
        #[metrics(errors)]
        write_errors: Counter,
    }
    struct Log {
        metrics: Published<Marked>,
    }
    impl Log {
        #[papyra_metrics::metrics(errors)]
        fn flush(&self) -> Result<(), ()> {
            Err(())
        }
    }

    let directory = tempfile::tempdir().unwrap();
    let metrics = Published::<LogMetrics>::create(directory.path().join("a")).unwrap();
    metrics.cache.misses.inc();
    let backend = Backend { metrics };
    let snapshot = backend.metrics().unwrap().snapshot();
    assert_eq!(snapshot["cache_misses"], 1);
    assert_eq!(Reader::open(directory.path().join("a")).unwrap().snapshot().unwrap(), snapshot);
    let service = Service { log: backend.metrics.into() };
    assert_eq!(service.snapshot()["log_cache_misses"], 1);
    service.reset();
    assert_eq!(
        Reader::open(directory.path().join("a")).unwrap().snapshot().unwrap()["cache_misses"],
        0
    );

    let log = Log { metrics: Published::create_or_private("/no/such/directory/x") };
    log.flush().unwrap_err();
    assert_eq!(log.metrics.write_errors.get(), 1);
}

/// A struct of plain integers with `storage`. Only a skipped field uses the type parameter.
#[derive(Clone, Debug, Default, PartialEq, Metrics)]
#[metrics(storage = Storage)]
struct Counts<T> {
    writes: u64,
    level: i64,
    #[metrics(skip)]
    of: std::marker::PhantomData<T>,
}

#[test]
fn the_atomics_of_a_plain_struct_can_be_published() {
    let directory = tempfile::tempdir().unwrap();
    let metrics = Published::<Storage<u8>>::create(directory.path().join("a")).unwrap();
    metrics.writes.add(3);
    metrics.level.set(-1);
    let reader = Reader::open(directory.path().join("a")).unwrap();
    assert_eq!(reader.snapshot().unwrap().to_string(), "writes: 3\nlevel: -1");
    assert_eq!(metrics.read().writes, 3);
}

#[derive(Debug, Default, Metrics)]
struct PoolMetrics {
    taken: ShardedCounter,
    opened: CachePadded<Counter>,
    open: CachePadded<Gauge>,
    failed: CachePadded<ShardedCounter>,
    closed: Counter,
}

#[test]
fn sharded_and_padded_instruments_are_read_and_reset_like_others() {
    const THREADS: u64 = 4;
    const EACH: u64 = 10_000;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pool.metrics");
    let pool = Published::<PoolMetrics>::create(&path).unwrap();
    let count = || {
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| (0..EACH).for_each(|_| pool.taken.inc()));
            }
        });
    };
    count();
    pool.opened.add(2);
    pool.open.set(-2);
    pool.failed.inc();
    pool.closed.inc();
    let shown = |taken: u64| format!("taken: {taken}\nopened: 2\nopen: -2\nfailed: 1\nclosed: 1");
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.snapshot().unwrap().to_string(), shown(THREADS * EACH));

    // A reader resets the file, and the process then continues to count.
    Reader::reset(&path).unwrap();
    assert_eq!(pool.taken.get(), 0);
    assert_eq!((pool.opened.get(), pool.failed.get(), pool.open.get()), (0, 0, -2));
    count();
    assert_eq!(reader.snapshot().unwrap()["taken"], THREADS * EACH);
    assert_eq!(reader.totals().unwrap()["taken"], 2 * THREADS * EACH);
    assert_eq!(pool.taken.total(), 2 * THREADS * EACH);
}

/// Files that could cost a reader much memory or time, and files that change while they are read.
mod costs {
    use std::{fs, os::unix::fs::FileExt, os::unix::fs::MetadataExt};

    use papyra_metrics::publish::Reader;

    use super::{Published, Sample, description_len, set_checksum};

    /// Encodes the offset and the length of a string as one word of a file.
    fn string(offset: usize, len: usize) -> u64 {
        let halves = [u32::try_from(offset).unwrap(), u32::try_from(len).unwrap()];
        u64::from_ne_bytes(halves.map(u32::to_ne_bytes).as_flattened().try_into().unwrap())
    }

    /// The offset and the length of a text within the strings.
    type Text = (usize, usize);

    /// Returns the description of a file that has only counters. Each counter is given by two texts: its name and its
    /// help. All counters have the same cells, from the beginning of the section of values.
    fn description(
        counters: &[(Text, Text)],
        strings: &str,
        cells: u32,
        values_len: u64,
    ) -> Vec<u8> {
        let start = 64 + counters.len() * 64;
        let end = (start + strings.len()).next_multiple_of(8) as u64;
        let mut bytes = b"\x89papyra\n".to_vec();
        for half in [0x0102_0304_u32, 1, 0, 64] {
            bytes.extend(half.to_ne_bytes());
        }
        for word in [end + values_len, end, 0, 0, string(start, 0)] {
            bytes.extend(word.to_ne_bytes());
        }
        bytes[40..44].copy_from_slice(&u32::try_from(counters.len()).unwrap().to_ne_bytes());
        for (name, help) in counters {
            for word in [
                string(start + name.0, name.1),
                string(start + help.0, help.1),
                string(start, 0),
                string(1, 0), // a counter without a prefix
                end,
                8,
                0,
                string(usize::try_from(cells).unwrap(), 0), // the number of cells, and 0
            ] {
                bytes.extend(word.to_ne_bytes());
            }
        }
        bytes.extend(strings.as_bytes());
        bytes.resize(usize::try_from(end).unwrap(), 0);
        set_checksum(&mut bytes);
        bytes
    }

    #[test]
    fn entries_that_share_one_long_string_are_rejected() {
        const ENTRIES: usize = 2_000;
        const HELP: usize = 10_000;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("overlaps");
        let strings = "m".repeat(ENTRIES) + &"h".repeat(HELP);
        let counters: Vec<_> = (1..=ENTRIES).map(|len| ((0, len), (ENTRIES, HELP))).collect();
        let bytes = description(&counters, &strings, 1, 8 * ENTRIES as u64);
        fs::write(&path, [bytes, vec![0; 8 * ENTRIES]].concat()).unwrap();
        let fault = Reader::open(&path).unwrap_err().to_string();
        assert!(fault.ends_with("strings overlap or exceed the description"), "{fault}");
    }

    /// Writes a file with one counter. Each word of the section of values is a cell of this counter, and the whole
    /// section is a hole.
    fn sparse(path: &std::path::Path, values_len: u64) {
        let cells = u32::try_from(values_len / 8).unwrap_or(u32::MAX);
        let bytes = description(&[((0, 7), (0, 0))], "counter", cells, values_len);
        fs::write(path, &bytes).unwrap();
        let len = bytes.len() as u64 + values_len;
        fs::File::options().write(true).open(path).unwrap().set_len(len).unwrap();
    }

    #[test]
    fn a_large_file_of_holes_is_rejected_and_a_small_one_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sparse");
        for (values, fault) in [
            (4 << 20, None),
            (64 << 20, Some("it is nearly all holes")),
            (8 << 30, Some("invalid length of the values")),
            (1 << 40, Some("invalid length of the values")),
        ] {
            sparse(&path, values);
            match (Reader::open(&path), fault) {
                (Ok(reader), None) => assert_eq!(reader.snapshot().unwrap()["counter"], 0),
                (Err(error), Some(fault)) => {
                    assert!(error.to_string().ends_with(fault), "{error}");
                }
                (read, fault) => panic!("{read:?}, but expected {fault:?}"),
            }
        }
    }

    #[test]
    fn a_reset_does_not_write_into_holes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sparse");
        sparse(&path, 4 << 20);
        let before = fs::metadata(&path).unwrap().blocks();
        let fault = Reader::reset(&path).unwrap_err().to_string();
        assert!(fault.contains("it has holes, which cannot be reset"), "{fault}");
        assert_eq!(fs::metadata(&path).unwrap().blocks(), before);
    }

    #[test]
    fn a_header_that_changes_while_it_is_read_gives_values_or_an_error() {
        let sample = Sample::new();
        fs::write(sample.path(), &sample.bytes).unwrap();
        // This header is invalid: according to it, the file is shorter than the description.
        let description = u64::try_from(description_len(&sample.bytes)).unwrap();
        let other = sample.forged(24, &(description - 8).to_ne_bytes());
        let file = fs::File::options().write(true).open(sample.path()).unwrap();
        std::thread::scope(|scope| {
            let reading = scope.spawn(|| {
                for _ in 0..20_000 {
                    match Reader::open(sample.path()).and_then(|reader| reader.snapshot()) {
                        Ok(snapshot) => assert_eq!(snapshot.len(), sample.metric_count()),
                        Err(error) => assert!(error.to_string().contains("damaged"), "{error}"),
                    }
                }
            });
            while !reading.is_finished() {
                for bytes in [&other, &sample.bytes] {
                    file.write_all_at(&bytes[..64], 0).unwrap();
                }
            }
        });
    }

    #[test]
    fn a_file_that_grows_and_shrinks_while_it_is_read_gives_values_or_an_error() {
        let sample = Sample::new();
        fs::write(sample.path(), &sample.bytes).unwrap();
        let file = fs::File::options().write(true).open(sample.path()).unwrap();
        let (mut read, mut refused) = (0, 0);
        std::thread::scope(|scope| {
            let reading = scope.spawn(|| {
                while read < 100 || refused < 100 {
                    match Reader::open(sample.path()).and_then(|reader| reader.snapshot()) {
                        Ok(_) => read += 1,
                        Err(_) => refused += 1,
                    }
                }
            });
            while !reading.is_finished() {
                for len in [0, 1, 63, 64, 200, sample.bytes.len() - 1, sample.bytes.len() + 4096] {
                    file.set_len(len as u64).unwrap();
                    file.write_all_at(&sample.bytes[..len.min(sample.bytes.len())], 0).unwrap();
                }
            }
        });
    }

    #[test]
    fn only_the_atomics_of_a_struct_are_written_to_the_file() {
        #[derive(Default, papyra_metrics::Metrics)]
        #[repr(align(1024))]
        struct Aligned {
            value: papyra_metrics::Counter,
        }
        #[inline(never)]
        fn leave_secrets_on_the_stack() -> u8 {
            let secrets = std::hint::black_box([0x5e_u8; 16 << 10]);
            secrets[usize::from(std::hint::black_box(3_u8))]
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("aligned");
        assert_eq!(leave_secrets_on_the_stack(), 0x5e);
        let metrics = Published::<Aligned>::create(&path).unwrap();
        metrics.value.add(0x0101_0101_0101_0101);
        let bytes = fs::read(&path).unwrap();
        let values =
            usize::try_from(u64::from_ne_bytes(bytes[32..40].try_into().unwrap())).unwrap();
        let nonzero = bytes[values..].iter().filter(|byte| **byte != 0).count();
        assert_eq!((bytes.len() - values, nonzero), (1024, 8));
    }
}
