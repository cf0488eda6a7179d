//! The metrics that every persistence backend can start from.

use crate::{Counter, Metrics};

/// What a persistence backend has done since it was opened.
///
/// ```
/// use papyra_metrics::{Metrics, persistence::PersistenceMetrics};
///
/// let metrics = PersistenceMetrics::default();
/// metrics.records_written.inc();
/// metrics.bytes_written.add(118);
/// assert_eq!(metrics.snapshot()["records_written"], 1);
/// ```
#[derive(Debug, Default, Metrics)]
#[metrics(crate = crate)]
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
}
