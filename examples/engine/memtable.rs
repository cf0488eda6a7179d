//! The newest writes, in memory and sorted. A write adds a version of its key and removes no other version, so that a
//! concurrent reader always finds a version.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crossbeam_skiplist::SkipMap;

use super::codec::Entry;

pub(crate) struct Memtable {
    /// The number of the first log that has records of this memtable.
    pub(crate) log: u64,
    entries: SkipMap<Version, Entry>,
    bytes: AtomicUsize,
}

/// A version of a key. Versions are ordered by key, and versions of the same key from the newest to the oldest.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    key: Vec<u8>,
    sequence: Reverse<u64>,
}

impl Version {
    fn newest(key: &[u8]) -> Self {
        Self { key: key.to_vec(), sequence: Reverse(u64::MAX) }
    }
}

/// The bytes that an entry takes in addition to its key and value, for a node of the skip list.
const OVERHEAD: usize = 64;

impl Memtable {
    pub(crate) fn new(log: u64) -> Self {
        Self { log, entries: SkipMap::new(), bytes: AtomicUsize::new(0) }
    }

    /// Inserts a version of a key. The value `None` marks a deletion.
    pub(crate) fn insert(&self, sequence: u64, key: &[u8], value: Option<&[u8]>) {
        let bytes = OVERHEAD + key.len() + value.map_or(0, <[u8]>::len);
        let version = Version { key: key.to_vec(), sequence: Reverse(sequence) };
        self.entries.insert(version, value.map(<[u8]>::to_vec));
        // Relaxed: the sum only decides when to flush.
        self.bytes.fetch_add(bytes, Relaxed);
    }

    /// Returns the memory of all versions, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    /// Returns the newest entry of a key, which is a value or marks a deletion.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Entry> {
        let found = self.entries.range(Version::newest(key)..).next()?;
        (found.key().key == key).then(|| found.value().clone())
    }

    /// Returns the newest version of each key, beginning at the key `from`.
    pub(crate) fn iter(&self, from: &[u8]) -> impl Iterator<Item = (Vec<u8>, Entry)> {
        let mut last: Option<Vec<u8>> = None;
        self.entries.range(Version::newest(from)..).filter_map(move |found| {
            let key = &found.key().key;
            if last.as_ref() == Some(key) {
                return None;
            }
            last = Some(key.clone());
            Some((key.clone(), found.value().clone()))
        })
    }
}
