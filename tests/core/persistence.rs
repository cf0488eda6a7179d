//! The ready-made struct `PersistenceMetrics`.

use std::time::Duration;

use papyra_metrics::{Descriptor, Distribution, Metrics, Value, persistence::PersistenceMetrics};

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
            "write",
            "read",
            "scan",
            "recovery",
            "compaction",
            "record_size",
        ]
    );
    assert!(metrics.descriptors().iter().all(|metric| !metric.help().is_empty()));
    let units = metrics.descriptors().iter().filter_map(Descriptor::unit);
    let seconds = ["seconds"; 5];
    assert!(units.eq(["bytes"].into_iter().chain(seconds).chain(["bytes"])));
    let size = size_of::<PersistenceMetrics>();
    assert!((5_300..5_500).contains(&size), "{size} bytes; the documentation says 5.4 KB");
}

#[test]
fn a_reset_resets_every_metric() {
    let metrics = PersistenceMetrics::default();
    metrics.compaction_errors.inc();
    metrics.records_written.inc();
    metrics.write.record(Duration::from_micros(3));
    metrics.record_size.record(118);
    metrics.reset();
    let is_empty = |value: &Value| value.as_histogram().map_or(*value == 0, Distribution::is_empty);
    assert!(metrics.snapshot().iter().all(|(_, value)| is_empty(value)));
    assert_eq!(metrics.record_size.total().sum(), 118);
}
