//! The ready-made struct.

use papyra_metrics::{Descriptor, Metrics, persistence::PersistenceMetrics};

#[test]
fn the_ready_made_struct_has_the_promised_names() {
    let metrics = PersistenceMetrics::default();
    let names: Vec<_> = metrics.descriptors().iter().map(Descriptor::name).collect();
    assert_eq!(
        names,
        [
            "records_written",
            "records_read",
            "bytes_written",
            "scan_runs",
            "anomalies_detected",
            "recovery_runs",
            "compactions",
            "write_errors",
            "read_errors",
            "scan_errors",
            "recovery_errors",
            "compaction_errors",
        ]
    );
    assert!(metrics.descriptors().iter().all(|metric| !metric.help().is_empty()));
    assert_eq!(metrics.descriptors()[2].unit(), Some("bytes"));
}

#[test]
fn a_reset_forgets_none_of_them() {
    let metrics = PersistenceMetrics::default();
    metrics.compaction_errors.inc();
    metrics.records_written.inc();
    metrics.reset();
    assert!(metrics.snapshot().iter().all(|(_, value)| *value == 0));
}
