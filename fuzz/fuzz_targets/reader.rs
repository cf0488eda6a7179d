//! Reads arbitrary bytes as a published file. The result must be values or an error, never a crash or a hang.

#![no_main]

use std::{fs::File, os::unix::fs::FileExt, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use papyra_metrics::{Value, publish::Reader};

static FILE: LazyLock<File> = LazyLock::new(|| tempfile::tempfile().expect("a temporary file"));

fuzz_target!(|bytes: &[u8]| {
    read(bytes, 0);
    // With a correct checksum, the input covers more of the reader.
    if let Some(checked) = checked(bytes) {
        read(&checked, 0);
        // In `checked`, the checksum replaces four bytes of the input. Two of the replaced bytes choose the size of a hole
        // at the end of the file, and a third one chooses the change of the header.
        let pages = u16::from_ne_bytes([bytes[16], bytes[17]]);
        read(&checked, u64::from(pages) << 12);
        read_while_it_changes(&checked, bytes[18]);
    }
});

/// Reads a file of these bytes, followed by a hole.
fn read(bytes: &[u8], hole: u64) {
    write(bytes, hole);
    match Reader::from_file(file(), "fuzzed") {
        Ok(reader) => {
            let snapshot = reader.snapshot().expect("all values are in the file");
            assert_eq!(snapshot.len(), reader.metrics().len());
            for (_, value) in &snapshot {
                check_distribution(value);
            }
            assert_eq!(reader.totals().expect("the same values").len(), snapshot.len());
            assert!(!reader.is_live().expect("no process has locked the file"));
            let text: usize = reader
                .metrics()
                .iter()
                .map(|metric| {
                    let labels = metric.labels().map(|(name, value)| name.len() + value.len());
                    let unit = metric.unit().map_or(0, str::len);
                    metric.name().len() + metric.help().len() + unit + labels.sum::<usize>()
                })
                .sum();
            assert!(text <= bytes.len(), "strings overlap");
        }
        Err(error) => {
            assert!(error.to_string().starts_with("cannot read metrics from \"fuzzed\": "))
        }
    }
}

/// Asserts that the bounds of a histogram rise and that its median is not above its maximum, whatever the counts are.
fn check_distribution(value: &Value) {
    let Some(distribution) = value.as_histogram() else { return };
    assert!(!distribution.to_string().is_empty());
    let uppers: Vec<f64> = distribution.buckets().map(|bucket| bucket.upper()).collect();
    assert!(uppers.is_sorted(), "bounds do not rise: {uppers:?}");
    if let (Some(p50), Some(max)) = (distribution.quantile(0.5), distribution.max_bound()) {
        assert!(0.0 <= p50 && p50 <= max, "{p50} is not within {max}");
    }
}

/// Opens a file, changes its header, and reads it. Then cuts the file in half, and reads it again.
fn read_while_it_changes(bytes: &[u8], change: u8) {
    write(bytes, 0);
    let Ok(reader) = Reader::from_file(file(), "fuzzed") else { return };
    let header: Vec<u8> = bytes.iter().take(64).map(|byte| byte ^ change).collect();
    FILE.write_all_at(&header, 0).expect("space on the disk");
    reader.snapshot().expect("the values have not changed");
    FILE.set_len(bytes.len() as u64 / 2).expect("a shorter file");
    let _ = reader.snapshot();
}

fn write(bytes: &[u8], hole: u64) {
    FILE.set_len(0).expect("an empty file");
    FILE.write_all_at(bytes, 0).expect("space on the disk");
    FILE.set_len(bytes.len() as u64 + hole).expect("space on the disk");
}

fn file() -> File {
    FILE.try_clone().expect("another descriptor")
}

fn checked(bytes: &[u8]) -> Option<Vec<u8>> {
    let description: [u8; 8] = bytes.get(32..40)?.try_into().ok()?;
    let end = usize::try_from(u64::from_ne_bytes(description)).ok()?;
    let checksum = crc32fast::hash(bytes.get(20..end)?);
    let mut bytes = bytes.to_vec();
    bytes[16..20].copy_from_slice(&checksum.to_ne_bytes());
    Some(bytes)
}
