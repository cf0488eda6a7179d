//! Distributions, floats and peaks in a published file.

use std::{fs, path::Path, time::Duration};

use crate::common::Backend;
use crate::forgery::{forged, set_checksum};
use papyra_metrics::{
    Distribution, FineLatency, FloatGauge, Histogram, Kind, Latency, Metrics, Peak,
    ShardedHistogram, Snapshot, Value, buckets,
    publish::{Metric, Published, Reader},
};

fn distribution<'a>(snapshot: &'a Snapshot, name: &str) -> &'a Distribution {
    snapshot[name].as_histogram().unwrap()
}

/// Starts a backend that has recorded a value in each metric.
fn engine_with_values(path: &Path) -> Backend {
    let mut engine = Backend::engine(path);
    for line in [
        "append 70",
        "append 80",
        "append 1200",
        "lookup 3",
        "lookup 4",
        "size 100",
        "size 4096",
        "fill 0.25",
        "queue -7",
        "queue -9",
    ] {
        assert_eq!(engine.request(line), "ok");
    }
    engine
}

const VALUES: &str = "appends: 3; append: count 3, mean 450 µs, p50 87.5 µs, p99 1.2 ms, max ≤ 2 ms; \
     lookup: count 2, mean 3.5 µs, p50 3 µs, p99 4 µs, max ≤ 5 µs; \
     record_size: count 2, mean 2.05 KiB, p50 100 B, p99 4 KiB, max ≤ 4 KiB; \
     fill_ratio: 0.25; longest_queue: -7";

#[test]
fn another_process_reads_the_same_values_as_the_process_itself() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("engine.metrics");
    let mut engine = engine_with_values(&path);
    let reader = Reader::open(&path).unwrap();
    let snapshot = reader.snapshot().unwrap();
    assert_eq!(engine.request("engine-snapshot"), snapshot.to_string().replace('\n', "; "));
    assert_eq!(
        engine.request("engine-totals"),
        reader.totals().unwrap().to_string().replace('\n', "; ")
    );

    let append = distribution(&snapshot, "append");
    assert_eq!((append.count(), append.unit()), (3, Some("seconds")));
    assert!((append.sum() - 0.001_35).abs() < 1e-12, "{}", append.sum());
    assert_eq!(append.buckets().len(), 29);
    let used: Vec<_> = append.buckets().filter(|bucket| bucket.count() > 0).collect();
    assert_eq!(
        used.iter().map(|bucket| (bucket.upper(), bucket.count())).collect::<Vec<_>>(),
        [(0.0001, 2), (0.002, 1)]
    );
    assert_eq!(distribution(&snapshot, "lookup").buckets().len(), 55);
    assert_eq!(distribution(&snapshot, "record_size").unit(), Some("bytes"));
    assert_eq!(Value::Float(distribution(&snapshot, "record_size").sum()), 4196);
    assert!(matches!(snapshot["fill_ratio"], Value::Float(_)));
    assert_eq!(snapshot["fill_ratio"], 0.25);
    assert!(matches!(snapshot["longest_queue"], Value::Gauge(-7)));

    let kinds: Vec<_> = reader.metrics().iter().map(Metric::kind).collect();
    assert_eq!(
        kinds,
        [
            Kind::Counter,
            Kind::Histogram,
            Kind::Histogram,
            Kind::Histogram,
            Kind::Gauge,
            Kind::Gauge
        ]
    );
    assert_eq!(reader.metrics()[1].unit(), Some("seconds"));
    assert_eq!(reader.metrics()[1].help(), "How long an append takes.");
}

#[test]
fn a_reset_from_outside_empties_distributions_and_peaks_and_keeps_totals() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("engine.metrics");
    let mut engine = engine_with_values(&path);
    let before = Reader::open(&path).unwrap().totals().unwrap();
    let reader = Reader::reset(&path).unwrap();
    let empty = "appends: 0; append: count 0; lookup: count 0; record_size: count 0; fill_ratio: 0.25; longest_queue: 0";
    assert_eq!(engine.request("engine-snapshot"), empty);
    assert_eq!(reader.snapshot().unwrap().to_string().replace('\n', "; "), empty);
    let totals = reader.totals().unwrap();
    for name in ["appends", "append", "lookup", "record_size", "fill_ratio"] {
        assert_eq!(totals[name], before[name], "{name}");
    }
    // The total of a peak is its current value, for a reader as for the process itself. The reset has set this value to
    // zero.
    assert_eq!(totals["longest_queue"], 0);

    engine.request("append 9");
    engine.request("lookup 9");
    engine.request("queue -1");
    let snapshot = reader.snapshot().unwrap();
    assert_eq!(
        (distribution(&snapshot, "append").count(), &snapshot["longest_queue"]),
        (1, &Value::Gauge(-1))
    );
    assert_eq!(distribution(&reader.totals().unwrap(), "append").count(), 4);
    assert_eq!(engine.request("engine-snapshot"), snapshot.to_string().replace('\n', "; "));
}

#[test]
fn a_killed_process_leaves_its_distributions_and_its_successor_starts_empty() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("engine.metrics");
    engine_with_values(&path).kill();
    let old = Reader::open(&path).unwrap();
    assert!(!old.is_live().unwrap());
    assert_eq!(old.snapshot().unwrap().to_string().replace('\n', "; "), VALUES);
    let mut successor = Backend::engine(&path);
    successor.request("lookup 5");
    let snapshot = Reader::open(&path).unwrap().snapshot().unwrap();
    assert_eq!(distribution(&snapshot, "lookup").count(), 1);
    assert!(distribution(&snapshot, "append").is_empty());
    assert_eq!(old.snapshot().unwrap().to_string().replace('\n', "; "), VALUES);
}

#[test]
fn readings_and_resets_from_outside_lose_no_value_of_a_busy_process() {
    const EACH: u32 = 60_000;
    let all = u64::from(4 * EACH);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("engine.metrics");
    let mut engine = Backend::engine(&path);
    let reader = Reader::open(&path).unwrap();
    std::thread::scope(|scope| {
        let working = scope.spawn(|| engine.request(&format!("measure {EACH}")));
        let mut last = [0, 0];
        while !working.is_finished() {
            let (snapshot, totals) = (reader.snapshot().unwrap(), reader.totals().unwrap());
            for (name, last) in ["append", "lookup"].into_iter().zip(&mut last) {
                let total = distribution(&totals, name);
                assert_eq!(
                    total.count(),
                    total.buckets().map(|bucket| bucket.count()).sum::<u64>()
                );
                assert!(total.count() >= *last && total.count() <= all, "a total has fallen");
                *last = total.count();
                // If a baseline were ahead of the total, the count would be nearly 2⁶⁴.
                assert!(distribution(&snapshot, name).count() <= all);
            }
            Reader::reset(&path).unwrap();
        }
    });
    let totals = reader.totals().unwrap();
    for (name, value) in [("append", 80e-6), ("lookup", 3e-6)] {
        let total = distribution(&totals, name);
        assert_eq!(total.count(), all, "{name}");
        assert!(
            (total.sum() / f64::from(4 * EACH) - value).abs() < 1e-12,
            "{name}: {}",
            total.sum()
        );
    }
}

buckets!(Pages: u64 = [1, 8, 64], unit = "pages");
buckets!(Most: u64 = powers(2, 1, 4611686018427387904));

#[derive(Debug, Default, Metrics)]
struct Forms {
    pages: Histogram<Pages>,
    most: ShardedHistogram<Most>,
    nested: Histogram<FineLatency>,
    float: FloatGauge,
    #[metrics(flatten, prefix = "wal_")]
    wal: Wal<Latency>,
}

#[derive(Debug, Default, Metrics)]
struct Wal<B: papyra_metrics::Buckets> {
    sync: Histogram<B>,
    peak: Peak,
}

#[test]
fn any_buckets_in_any_nesting_are_published_and_work_in_private_memory_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("forms");
    let published = Published::<Forms>::create(&path).unwrap();
    for metrics in [&published, &Published::private()] {
        metrics.pages.record_n(8, 3);
        metrics.pages.record(u64::MAX);
        metrics.most.record(1 << 40);
        metrics.nested.record(Duration::MAX);
        metrics.float.set(f64::NEG_INFINITY);
        metrics.wal.sync.record(Duration::from_millis(3));
        metrics.wal.peak.record(i64::MIN + 1);
        assert_eq!(metrics.snapshot()["pages"].as_histogram().unwrap().count(), 4);
    }
    let snapshot = Reader::open(&path).unwrap().snapshot().unwrap();
    assert_eq!(snapshot, published.snapshot());
    assert_eq!(distribution(&snapshot, "pages").unit(), Some("pages"));
    assert_eq!(distribution(&snapshot, "pages").max_bound(), Some(f64::INFINITY));
    assert_eq!(
        distribution(&snapshot, "wal_sync").to_string(),
        "count 1, mean 3 ms, p50 3 ms, p99 3 ms, max ≤ 5 ms"
    );
    // Both distributions have the same buckets, so they can be merged.
    let mut sum = distribution(&snapshot, "most").clone();
    sum.merge(&published.most.get().erase()).unwrap();
    assert_eq!(sum.count(), 2);
}

#[test]
fn values_that_default_records_are_published() {
    #[derive(Metrics)]
    struct Begun {
        lookup: ShardedHistogram,
        append: Histogram,
        peak: Peak,
    }
    impl Default for Begun {
        fn default() -> Self {
            let begun = Self {
                lookup: ShardedHistogram::new(),
                append: Histogram::new(),
                peak: Peak::new(),
            };
            begun.lookup.record(Duration::from_micros(1));
            begun.append.record(Duration::from_micros(1));
            begun.append.reset();
            begun.append.record(Duration::from_micros(2));
            begun
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("begun");
    let begun = Published::<Begun>::create(&path).unwrap();
    let snapshot = begun.snapshot();
    assert_eq!(distribution(&snapshot, "lookup").count(), 1, "the flags of used blocks are copied");
    assert_eq!((begun.append.get().count(), begun.append.total().count()), (1, 2));
    assert_eq!(Reader::open(&path).unwrap().snapshot().unwrap(), snapshot);
}

#[test]
fn a_struct_that_is_larger_than_the_stack_of_a_thread_is_published() {
    #[derive(Default, Metrics)]
    struct Large {
        a: ShardedHistogram,
        b: ShardedHistogram,
        c: ShardedHistogram,
        d: ShardedHistogram,
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("large");
    let publish = move || {
        let large = Published::<Large>::create(&path).unwrap();
        large.d.record(Duration::from_micros(1));
        let read = Reader::open(&path).unwrap().snapshot().unwrap();
        assert_eq!(distribution(&read, "d").count(), 1);
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(publish).unwrap().join().unwrap();
}

/// Files of version 2 with contradictory contents.
mod hostile {
    use super::*;

    struct Sample {
        directory: tempfile::TempDir,
        bytes: Vec<u8>,
    }

    /// The offsets of the entries of `append`, `fill_ratio` and `longest_queue`.
    const APPEND: usize = 64 + 88;
    const FILL_RATIO: usize = 64 + 4 * 88;
    const LONGEST_QUEUE: usize = 64 + 5 * 88;

    impl Sample {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("engine");
            engine_with_values(&path).kill();
            let bytes = fs::read(path).unwrap();
            Self { directory, bytes }
        }

        /// Returns the 32-bit number at this offset.
        fn number(&self, at: usize) -> u32 {
            u32::from_ne_bytes(self.bytes[at..at + 4].try_into().unwrap())
        }

        /// Changes the description and updates its checksum. Returns the problem that a reader reports, or the number of
        /// metrics that it reads.
        fn fault(&self, changes: &[(usize, &[u8])]) -> String {
            let path = self.directory.path().join("file");
            fs::write(&path, forged(&self.bytes, changes)).unwrap();
            match Reader::open(&path) {
                Ok(reader) => format!("read: {}", reader.snapshot().unwrap().len()),
                Err(error) => error.to_string().rsplit(": ").next().unwrap().to_owned(),
            }
        }
    }

    #[test]
    fn invalid_bounds_and_base_units_are_rejected() {
        let sample = Sample::new();
        assert_eq!(sample.fault(&[]), "read: 6");
        let bounds = usize::try_from(sample.number(APPEND + 72)).unwrap();
        assert_eq!(sample.number(APPEND + 76), 28);
        let first = &sample.bytes[bounds..bounds + 8];
        let invalid = "invalid bounds of a histogram";
        for (changes, fault) in [
            (vec![(bounds + 8, first)], invalid),
            (vec![(bounds + 8, &[0; 8][..])], invalid),
            (vec![(bounds + 27 * 8, &u64::MAX.to_ne_bytes())], invalid),
            (vec![(APPEND + 76, &0_u32.to_ne_bytes())], invalid),
            (vec![(APPEND + 76, &128_u32.to_ne_bytes())], "a list of a metric is too long"),
            (vec![(APPEND + 76, &u32::MAX.to_ne_bytes())], "a list of a metric is too long"),
            (vec![(APPEND + 72, &u32::MAX.to_ne_bytes())], "invalid string"),
            (vec![(APPEND + 72, &64_u32.to_ne_bytes())], "invalid string"),
            (vec![(APPEND + 80, &[0; 8])], "invalid base unit of a histogram"),
            (vec![(APPEND + 24, &6_u32.to_ne_bytes())], "unknown kind of a metric"),
        ] {
            assert_eq!(sample.fault(&changes), fault);
        }
    }

    #[test]
    fn cells_outside_of_the_section_of_values_are_rejected() {
        let sample = Sample::new();
        let outside = "invalid location of a metric's cells";
        let len = sample.bytes.len() as u64;
        for first in [0, 64, len - 16, len - 28 * 16, u64::MAX - 7, u64::MAX - 28 * 16] {
            for at in [APPEND + 32, APPEND + 48] {
                if (first, at) != (0, APPEND + 48) {
                    assert_eq!(sample.fault(&[(at, &first.to_ne_bytes())]), outside, "{first}");
                }
            }
        }
        for cells in [0, 1 << 20, u32::MAX] {
            let same_cell: [(usize, &[u8]); 2] =
                [(APPEND + 40, &[0; 8]), (APPEND + 56, &cells.to_ne_bytes())];
            assert_eq!(sample.fault(&same_cell), outside, "{cells}");
        }
        for entry in [FILL_RATIO, LONGEST_QUEUE] {
            let several = "a float gauge or a peak is not exactly one word";
            assert_eq!(sample.fault(&[(entry + 56, &2_u32.to_ne_bytes())]), several);
            let baseline: [u8; 8] = sample.bytes[entry + 32..entry + 40].try_into().unwrap();
            assert_eq!(sample.fault(&[(entry + 48, &baseline)]), several);
        }
    }

    #[test]
    fn invalid_and_repeated_labels_are_rejected() {
        let sample = Sample::new();
        // The first histogram becomes a counter. A counter has no bounds, so labels can be written over the bounds of
        // the histogram.
        let list = usize::try_from(sample.number(APPEND + 72)).unwrap();
        let name = (sample.number(APPEND), sample.number(APPEND + 4));
        let pair = |(offset, len): (u32, u32)| [offset.to_ne_bytes(), len.to_ne_bytes()].concat();
        let label = |name, value| [pair(name), pair(value)].concat();
        let labelled = |count: u32, labels: &[u8]| {
            sample.fault(&[
                (APPEND + 24, &1_u32.to_ne_bytes()),
                (APPEND + 64, &pair((list.try_into().unwrap(), count))),
                (list, labels),
            ])
        };
        // Parts of the name `append` serve as names and values of labels.
        let part = |from: u32, len| (name.0 + from, len);
        assert_eq!(labelled(1, &label(part(0, 1), part(1, 2))), "read: 6");
        let two = |a, b| [label(part(a, 1), part(2, 1)), label(part(b, 1), part(2, 1))].concat();
        assert_eq!(labelled(2, &two(0, 3)), "read: 6");
        assert_eq!(labelled(2, &two(1, 2)), "two labels of a metric have the same name");
        let invalid = "invalid label of a metric";
        assert_eq!(labelled(1, &label(part(0, 0), part(1, 2))), invalid);
        assert_eq!(labelled(1, &label(part(0, 1), part(1, 0))), invalid);
        // The beginning of the help text, `How l`, is invalid as the value of a label, because it has a capital letter.
        // It is invalid as the name of a label, because it has a space.
        let help = (sample.number(APPEND + 8), 5);
        assert_eq!(labelled(1, &label(part(0, 1), help)), invalid);
        assert_eq!(labelled(1, &label(help, part(0, 1))), invalid);
        assert_eq!(labelled(1, &label(part(0, 1), (u32::MAX, 1))), "invalid string");
        assert_eq!(labelled(u32::MAX, &[]), "strings overlap or exceed the description");
    }

    #[test]
    fn a_truncated_file_is_rejected_and_the_holes_of_a_sparse_file_are_not_filled() {
        let sample = Sample::new();
        let path = sample.directory.path().join("sparse");
        for len in (0..sample.bytes.len()).step_by(97) {
            fs::write(&path, &sample.bytes[..len]).unwrap();
            assert!(Reader::open(&path).is_err(), "{len}");
        }
        // Writes only the description. The values are a hole, which reads as zeros.
        let description = u64::from_ne_bytes(sample.bytes[32..40].try_into().unwrap());
        fs::write(&path, &sample.bytes[..usize::try_from(description).unwrap()]).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_len(sample.bytes.len().try_into().unwrap()).unwrap();
        let snapshot = Reader::open(&path).unwrap().snapshot().unwrap();
        assert!(distribution(&snapshot, "append").is_empty());
        assert!(Reader::reset(&path).unwrap_err().to_string().contains("it has holes"));
    }

    #[test]
    fn too_many_small_histograms_are_rejected() {
        let entries = (1 << 16) + 1;
        let bytes = many(entries);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("many");
        fs::write(&path, bytes).unwrap();
        let fault = Reader::open(&path).unwrap_err().to_string();
        assert!(fault.ends_with("too many histograms"), "{fault}");
    }

    /// Returns a file with this many histograms. Each histogram has one bound.
    fn many(entries: usize) -> Vec<u8> {
        let start = 64 + 88 * entries;
        let name = |i: usize| format!("h{i:07}");
        let values = (start + 16 * entries).next_multiple_of(8);
        let mut bytes = b"\x89papyra\n".to_vec();
        let put_u32 = |bytes: &mut Vec<u8>, n: usize| {
            bytes.extend(u32::try_from(n).unwrap().to_ne_bytes());
        };
        let put_u64 = |bytes: &mut Vec<u8>, n: usize| bytes.extend((n as u64).to_ne_bytes());
        for n in [0x0102_0304, 2, 0, 88] {
            put_u32(&mut bytes, n);
        }
        put_u64(&mut bytes, values + 32 * entries);
        put_u64(&mut bytes, values);
        for n in [entries, 1, 0, 0, start, 0] {
            put_u32(&mut bytes, n);
        }
        for i in 0..entries {
            for n in [start + 16 * i, 8, start, 0, start, 0, 3, 0] {
                put_u32(&mut bytes, n);
            }
            for n in [values + 32 * i, 32, 0] {
                put_u64(&mut bytes, n);
            }
            for n in [1, 0, start, 0, start + 16 * i + 8, 1] {
                put_u32(&mut bytes, n);
            }
            put_u64(&mut bytes, 1);
        }
        for i in 0..entries {
            bytes.extend(name(i).as_bytes());
            put_u64(&mut bytes, 1);
        }
        bytes.resize(values, 0);
        set_checksum(&mut bytes);
        bytes.resize(values + 32 * entries, 0);
        bytes
    }

    #[test]
    fn a_file_with_a_thousand_histograms_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("many");
        fs::write(&path, many(1000)).unwrap();
        let reader = Reader::open(&path).unwrap();
        assert_eq!(reader.totals().unwrap().len(), 1000);
        assert_eq!(distribution(&reader.snapshot().unwrap(), "h0000999").buckets().len(), 2);
    }
}
