//! Structs with `storage`. Such a struct declares metrics, and is also the type of a snapshot of their values.

#![deny(warnings, missing_docs)]

use std::marker::PhantomData;

use papyra_metrics::{CachePadded, Counter, Gauge, Kind, Metrics, ShardedCounter, Snapshot};

/// The structs are in a module, so that the visibility of the generated structs is tested.
pub mod orders {
    use super::{Metrics, PhantomData};

    /// The metrics of a cache.
    #[derive(Clone, Debug, Default, PartialEq, Metrics)]
    #[metrics(storage = CacheMetrics)]
    pub struct CacheCounts {
        /// Hits.
        pub hits: u64,
        /// Entries now.
        pub entries: core::primitive::i64,
    }

    /// The metrics of a log.
    #[derive(Clone, Debug, Default, PartialEq, Metrics)]
    #[metrics(storage = LogMetrics, prefix = "log_")]
    pub struct LogCounts<T: Clone = u8, const N: usize = 1>
    where
        T: Default,
    {
        /// Records appended.
        pub records_written: u64,
        /// Bytes appended.
        #[metrics(name = "payload", help = "Payload.", unit = "bytes")]
        pub bytes_written: ::std::primitive::u64,
        /// Failures.
        #[metrics(errors)]
        pub(crate) write_errors: u64,
        /// The metrics of a cache.
        #[metrics(flatten, prefix = "cache_")]
        pub cache: CacheCounts,
        /// Segments open now.
        pub open_segments: i64,
        /// Old.
        #[deprecated]
        pub old: u64,
        pub(crate) unread: u64,
        #[metrics(skip)]
        pub(crate) marker: PhantomData<[T; N]>,
    }
}

use orders::{CacheCounts, LogCounts, LogMetrics};

static METRICS: LogMetrics = LogMetrics::new();

#[test]
fn the_generated_struct_counts_and_the_plain_struct_is_its_snapshot() {
    METRICS.records_written.add(2);
    METRICS.write_errors.inc();
    METRICS.cache.hits.inc();
    METRICS.cache.entries.set(-4);
    METRICS.open_segments.set(3);
    let expected = LogCounts {
        records_written: 2,
        write_errors: 1,
        cache: CacheCounts { hits: 1, entries: -4 },
        open_segments: 3,
        ..LogCounts::default()
    };
    assert_eq!(METRICS.read(), expected);
    assert_eq!(Snapshot::from(&expected), METRICS.snapshot());
    assert_eq!(METRICS.read().cache.entries, -4);
}

#[test]
fn the_generated_struct_has_the_keys_of_the_plain_struct() {
    let metrics = LogMetrics::<String, 7>::default();
    let named: Vec<_> =
        metrics.descriptors().iter().map(|m| (m.name(), m.kind(), m.help(), m.unit())).collect();
    assert_eq!(
        named,
        [
            ("log_records_written", Kind::Counter, "Records appended.", None),
            ("log_payload", Kind::Counter, "Payload.", Some("bytes")),
            ("log_write_errors", Kind::Counter, "Failures.", None),
            ("log_cache_hits", Kind::Counter, "Hits.", None),
            ("log_cache_entries", Kind::Gauge, "Entries now.", None),
            ("log_open_segments", Kind::Gauge, "Segments open now.", None),
            ("log_old", Kind::Counter, "Old.", None),
            ("log_unread", Kind::Counter, "", None),
        ]
    );
    assert_eq!(metrics.read(), LogCounts::default());
}

#[test]
fn a_reset_restarts_counts_and_keeps_gauges() {
    let metrics = LogMetrics::<u8>::new();
    metrics.records_written.add(5);
    metrics.open_segments.set(2);
    metrics.reset();
    metrics.records_written.inc();
    assert_eq!((metrics.read().records_written, metrics.read().open_segments), (1, 2));
    assert_eq!(metrics.totals()["log_records_written"], 6);
}

#[test]
fn a_generated_struct_in_a_function_has_accessible_fields() {
    #[derive(Metrics)]
    #[metrics(storage = Inner)]
    struct Counts {
        r#type: u64,
    }
    let inner = Inner::default();
    inner.r#type.inc();
    assert_eq!(inner.read().r#type, 1);
    assert_eq!(format!("{inner:?}"), "Inner { type: Counter { value: 1, total: 1 } }");
}

#[test]
fn a_type_parameter_and_a_generic_type_can_be_flattened() {
    #[derive(Debug, Default, PartialEq, Metrics)]
    #[metrics(storage = BothMetrics)]
    struct Both<'a, N> {
        #[metrics(flatten)]
        some: N,
        #[metrics(flatten, prefix = "others_")]
        others: Others<'a>,
    }

    #[derive(Debug, Default, PartialEq, Metrics)]
    #[metrics(storage = OthersMetrics)]
    struct Others<'a> {
        writes: u64,
        #[metrics(skip)]
        path: PhantomData<&'a str>,
    }

    #[derive(Debug, Default, PartialEq, Metrics)]
    #[metrics(storage = SomeMetrics)]
    struct Some {
        reads: u64,
    }

    let both = BothMetrics::<Some>::new();
    both.some.reads.add(1);
    both.others.writes.add(2);
    assert_eq!(both.snapshot().to_string(), "reads: 1\nothers_writes: 2");
    let expected =
        Both { some: Some { reads: 1 }, others: Others { writes: 2, path: PhantomData } };
    assert_eq!(both.read(), expected);
}

#[test]
fn the_generated_struct_has_the_padded_and_sharded_fields_that_are_declared() {
    #[derive(Debug, Default, PartialEq, Metrics)]
    #[metrics(storage = CacheMetrics, padded)]
    struct CacheCounts {
        hits: u64,
        entries: i64,
        #[metrics(sharded)]
        lookups: u64,
        #[metrics(flatten, prefix = "disk_")]
        disk: DiskCounts,
    }

    #[derive(Debug, Default, PartialEq, Metrics)]
    #[metrics(storage = DiskMetrics)]
    struct DiskCounts {
        #[metrics(sharded, errors, unit = "bytes")]
        failed: u64,
        #[metrics(padded)]
        reads: u64,
        writes: u64,
    }

    static CACHE: CacheMetrics = CacheMetrics::new();
    let CacheMetrics { hits, entries, lookups, disk } = &CACHE;
    let (hits, entries): (&CachePadded<Counter>, &CachePadded<Gauge>) = (hits, entries);
    let (lookups, failed): (&ShardedCounter, &ShardedCounter) = (lookups, &disk.failed);
    let (reads, writes): (&CachePadded<Counter>, &Counter) = (&disk.reads, &disk.writes);
    hits.inc();
    entries.set(-2);
    lookups.add(3);
    failed.add(4);
    reads.add(5);
    writes.add(6);
    let expected = CacheCounts {
        hits: 1,
        entries: -2,
        lookups: 3,
        disk: DiskCounts { failed: 4, reads: 5, writes: 6 },
    };
    assert_eq!(CACHE.read(), expected);
    assert_eq!(CACHE.snapshot(), Snapshot::from(&expected));
    assert_eq!(
        CACHE.snapshot().to_string(),
        "hits: 1\nentries: -2\nlookups: 3\ndisk_failed: 4\ndisk_reads: 5\ndisk_writes: 6"
    );
}
