//! Tests objectives and the flag of error counters in a published file. Objectives make the entries of the file longer.

use std::{fs, path::Path};

use crate::forgery::forged;
use papyra_metrics::{
    Counter, Histogram, Metrics, Sizes,
    publish::{Published, Reader},
};

#[derive(Default, Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    append_errors: Counter,
    #[metrics(objective(within = "100ms", of = 99.9))]
    append: Histogram,
    record: Histogram<Sizes>,
}

#[derive(Default, Metrics)]
struct WithoutObjective {
    #[metrics(errors)]
    append_errors: Counter,
    append: Histogram,
}

fn published<M: Metrics + papyra_metrics::publish::Publishable + Default>(path: &Path) -> Vec<u8> {
    let _metrics = Published::<M>::create(path).unwrap();
    fs::read(path).unwrap()
}

fn entry_len(file: &[u8]) -> u32 {
    u32::from_ne_bytes(file[20..24].try_into().unwrap())
}

#[test]
fn a_reader_returns_the_objectives_and_error_counters_of_the_descriptors() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let metrics = Published::<LogMetrics>::create(&path).unwrap();
    metrics.append.record(std::time::Duration::from_millis(2));
    let reader = Reader::open(&path).unwrap();
    for (metric, descriptor) in reader.metrics().iter().zip(metrics.descriptors()) {
        assert_eq!(metric.objective(), descriptor.objective());
        assert_eq!(metric.is_error_counter(), descriptor.is_error_counter());
    }
    assert_eq!(reader.metrics()[1].objective().unwrap().to_string(), "99.9% within 0.1");
    assert!(reader.metrics()[0].is_error_counter());
    assert_eq!(reader.snapshot().unwrap(), metrics.snapshot());
}

#[test]
fn only_a_file_with_objectives_has_longer_entries_and_its_version_is_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let (without, with) = (published::<WithoutObjective>(&path), published::<LogMetrics>(&path));
    assert_eq!((entry_len(&without), entry_len(&with)), (88, 104));
    assert_eq!(without[12..16], with[12..16]);
}

#[test]
fn an_invalid_objective_is_reported_as_damage() {
    /// The offset of the entry of `append`.
    const APPEND: usize = 64 + 104;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let file = published::<LogMetrics>(&path);
    let fault = |at: usize, change: &[u8]| {
        fs::write(&path, forged(&file, &[(at, change)])).unwrap();
        Reader::open(&path).map_or_else(|error| error.to_string(), |_| String::new())
    };
    let invalid = "invalid objective of a histogram";
    assert!(fault(APPEND + 88, &90_000_000_u64.to_ne_bytes()).ends_with(invalid));
    assert!(fault(APPEND + 88, &u64::MAX.to_ne_bytes()).ends_with(invalid));
    assert!(fault(APPEND + 96, &1_000_000_000_u32.to_ne_bytes()).ends_with(invalid));
    let on_a_counter = fault(64 + 96, &1_u32.to_ne_bytes());
    assert!(on_a_counter.ends_with("a metric that is not a histogram has an objective"));
    // A missing objective is valid, and so are flags that only later versions define.
    assert_eq!(fault(APPEND + 96, &0_u32.to_ne_bytes()), "");
    assert_eq!(fault(APPEND + 60, &u32::MAX.to_ne_bytes()), "");
}
