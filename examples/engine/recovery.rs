//! Opens a store: finds the files of the store, replays the logs, and removes files that a crash has left behind.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::{Condvar, Mutex, RwLock};

use super::directory_lock::DirectoryLock;
use super::error::Error;
use super::levels::Levels;
use super::manifest::Manifest;
use super::memtable::Memtable;
use super::metrics::SharedMetrics;
use super::store::{Inner, Options, State};
use super::table::{BlockCache, BlockWeight, Table, TableContext};
use super::wal::{self, Wal};

impl Inner {
    pub(crate) fn open(
        directory: &Path,
        options: Options,
        metrics: SharedMetrics,
    ) -> Result<Self, Error> {
        options.check()?;
        fs::create_dir_all(directory)?;
        let lock = DirectoryLock::new(directory)?;
        let stored = Stored::find(directory)?;
        let cache = BlockCache::with_weighter(1024, options.cache_bytes, BlockWeight);
        let tables = TableContext {
            directory: directory.to_owned(),
            cache: Arc::new(cache),
            metrics: Arc::clone(&metrics),
        };
        let mut levels = Levels::default();
        for (level, numbers) in levels.0.iter_mut().zip(&stored.manifest.tables) {
            for &number in numbers {
                level.push(Arc::new(Table::open(&tables, number)?));
            }
        }
        let replayed = replay(directory, &stored.logs, &metrics)?;
        let log = stored.next_file;
        let wal = Wal::create(directory, log, options.is_synced, Arc::clone(&metrics))?;
        let state = State {
            active: Arc::new(Memtable::new(log)),
            frozen: Some(Arc::new(replayed)),
            levels: Arc::new(levels),
        };
        let inner = Self {
            options,
            metrics,
            tables,
            wal,
            state: RwLock::new(state.clone()),
            next_file: AtomicU64::new(log + 1),
            freezing: RwLock::default(),
            manifest: Mutex::default(),
            work: Mutex::default(),
            work_changed: Condvar::default(),
            _lock: lock,
        };
        if let Some(replayed) = state.frozen {
            inner.metrics.frozen.set(replayed.bytes());
            // Writes the replayed records to a table, so that the old logs are no longer needed.
            inner.flush(&replayed)?;
        }
        stored.remove_unused(directory);
        Ok(inner)
    }
}

/// The files in the directory of a store.
struct Stored {
    manifest: Manifest,
    /// Logs to be replayed, from the oldest to the newest.
    logs: Vec<u64>,
    /// Tables that are not in the manifest, and logs that have been flushed.
    unused: Vec<std::path::PathBuf>,
    next_file: u64,
}

impl Stored {
    fn find(directory: &Path) -> Result<Self, Error> {
        let manifest = Manifest::read(directory)?;
        let is_new = manifest.is_none();
        let manifest = manifest.unwrap_or_default();
        let (mut logs, mut unused, mut next_file) = (Vec::new(), Vec::new(), 1);
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            let (Some(number), Some(extension)) = (number, path.extension()) else { continue };
            next_file = next_file.max(number + 1);
            if extension == "table" {
                if is_new {
                    return Err(Error::corrupt(&path, "there is a table, but no manifest"));
                }
                if !manifest.tables.iter().flatten().any(|&table| table == number) {
                    unused.push(path);
                }
            } else if extension == "wal" && number >= manifest.first_log {
                logs.push(number);
            } else if extension == "wal" {
                unused.push(path);
            }
        }
        logs.sort_unstable();
        if !is_new && logs.first() != Some(&manifest.first_log) {
            return Err(Error::missing(&wal::path(directory, manifest.first_log)));
        }
        Ok(Self { manifest, logs, unused, next_file })
    }

    fn remove_unused(&self, directory: &Path) {
        let logs = self.logs.iter().map(|&log| wal::path(directory, log));
        for path in self.unused.iter().cloned().chain(logs) {
            let _ = fs::remove_file(path); // a leftover file is harmless, and the next opening tries again
        }
    }
}

/// Replays logs into a memtable.
fn replay(directory: &Path, logs: &[u64], metrics: &SharedMetrics) -> Result<Memtable, Error> {
    let memtable = Memtable::new(logs.first().copied().unwrap_or(0));
    let (mut sequence, mut torn) = (0, None);
    for &log in logs {
        let replayed = wal::replay(directory, log, |key, value| {
            sequence += 1;
            memtable.insert(sequence, key, value);
        })?;
        metrics.wal.replayed.add(replayed.records);
        // A log is complete before anything is written to the next log. So only the last log that is not empty may end
        // within a frame. Empty logs may follow that log, because a crash while the store is opened leaves an empty log
        // behind.
        let is_empty = replayed.records == 0 && !replayed.is_torn;
        if let Some(torn) = torn.filter(|_| !is_empty) {
            return Err(Error::corrupt(&wal::path(directory, torn), "it ends within a frame"));
        }
        if replayed.is_torn {
            torn = Some(log);
        }
    }
    metrics.wal.torn_ends.add(u64::from(torn.is_some()));
    Ok(memtable)
}
