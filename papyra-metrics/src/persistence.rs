//! A ready-made set of metrics for persistence backends.

use crate::{Counter, Histogram, Metrics, Sizes};

/// Counters and histograms of a persistence backend: records, scans, recoveries, compactions, their durations and errors.
///
/// ```
/// use papyra_metrics::{Metrics, metrics, persistence::PersistenceMetrics};
/// use std::io::{self, Write};
///
/// struct OrderLog<W> {
///     out: W,
///     metrics: PersistenceMetrics,
/// }
///
/// impl<W: Write> OrderLog<W> {
///     #[metrics(errors, ok = records_written, time = write)]
///     fn append(&mut self, record: &[u8]) -> io::Result<()> {
///         self.out.write_all(record)?;
///         self.metrics.bytes_written.add(record.len() as u64);
///         self.metrics.record_size.record(record.len() as u64);
///         Ok(())
///     }
/// }
///
/// let mut log = OrderLog { out: Vec::new(), metrics: PersistenceMetrics::default() };
/// log.append(b"an order").unwrap();
///
/// let snapshot = log.metrics.snapshot();
/// assert_eq!(snapshot["records_written"], 1);
/// assert_eq!(snapshot["write"].as_histogram().unwrap().count(), 1);
/// println!("write: {}", snapshot["write"]); // write: count 1, mean 1.2 µs, p50 1.2 µs, p99 1.2 µs, max ≤ 2 µs
/// ```
///
/// The struct takes 5.4 KB, nearly all of it in the histograms. They are plain [`Histogram`]s: a storage operation
/// takes microseconds or more, and two threads that record at the same time delay each other by 40 nanoseconds at
/// worst. A [`ShardedHistogram`](crate::ShardedHistogram) of durations takes 64 KB on x86-64 Linux, too much for every
/// histogram of every backend. If many cores write to one backend a million times a second, declare a
/// `ShardedHistogram` beside this struct.
#[derive(Debug, Default, Metrics)]
#[metrics(crate = crate)]
#[non_exhaustive]
pub struct PersistenceMetrics {
    /// Records written.
    pub records_written: Counter,
    /// Records read.
    pub records_read: Counter,
    /// Bytes written.
    #[metrics(unit = "bytes")]
    pub bytes_written: Counter,
    /// Scans of the stored records.
    pub scan_runs: Counter,
    /// Anomalies found by scans.
    pub anomalies_detected: Counter,
    /// Recoveries after an unclean stop.
    pub recovery_runs: Counter,
    /// Compactions.
    pub compactions: Counter,
    /// Writes that returned an error.
    #[metrics(errors)]
    pub write_errors: Counter,
    /// Reads that returned an error.
    pub read_errors: Counter,
    /// Scans that returned an error.
    pub scan_errors: Counter,
    /// Recoveries that returned an error.
    pub recovery_errors: Counter,
    /// Compactions that returned an error.
    pub compaction_errors: Counter,
    /// How long a write takes.
    pub write: Histogram,
    /// How long a read takes.
    pub read: Histogram,
    /// How long a scan takes.
    pub scan: Histogram,
    /// How long a recovery takes.
    pub recovery: Histogram,
    /// How long a compaction takes.
    pub compaction: Histogram,
    /// Sizes of the records that were written.
    pub record_size: Histogram<Sizes>,
}
