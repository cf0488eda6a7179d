//! Any bytes at all, as a published file: values or an error, no crash, no hang.
//!
//! ```sh
//! cargo +nightly fuzz run reader --fuzz-dir fuzz/reader fuzz/reader/corpus fuzz/reader/seeds
//! ```

#![no_main]

use std::{fs::File, os::unix::fs::FileExt, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use papyra_metrics::publish::Reader;

static FILE: LazyLock<File> = LazyLock::new(|| tempfile::tempfile().expect("a temporary file"));

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    // With the checksum that it should have, it gets further.
    if let Some(checked) = checked(bytes) {
        read(&checked);
    }
});

fn read(bytes: &[u8]) {
    FILE.write_all_at(bytes, 0).expect("room");
    FILE.set_len(bytes.len().try_into().expect("a length")).expect("room");
    let file = FILE.try_clone().expect("another descriptor");
    match Reader::from_file(file, "fuzzed") {
        Ok(reader) => {
            let snapshot = reader.snapshot().expect("all words lie in the file");
            assert_eq!(snapshot.len(), reader.metrics().len());
            assert_eq!(reader.totals().expect("the same words").len(), snapshot.len());
            assert!(!reader.is_live().expect("nobody has a lock on it"));
        }
        Err(error) => assert!(error.to_string().starts_with("fuzzed: ")),
    }
}

fn checked(bytes: &[u8]) -> Option<Vec<u8>> {
    let description: [u8; 8] = bytes.get(32..40)?.try_into().ok()?;
    let end = usize::try_from(u64::from_ne_bytes(description)).ok()?;
    let checksum = crc32fast::hash(bytes.get(20..end)?);
    let mut bytes = bytes.to_vec();
    bytes[16..20].copy_from_slice(&checksum.to_ne_bytes());
    Some(bytes)
}
