//! The store: reads and writes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex, RwLock};

use super::background::Work;
use super::codec::Pairs;
use super::directory_lock::DirectoryLock;
use super::error::Error;
use super::levels::Levels;
use super::memtable::Memtable;
use super::merge::{Merge, Source};
use super::metrics::{Op, SharedMetrics, metrics};
use super::table::TableContext;
use super::wal::Wal;

const MAX_KEY_LEN: usize = 1 << 16;
const MAX_VALUE_LEN: usize = 1 << 24;

/// The limits of a store, and whether it syncs its writes. The default suits a demonstration.
#[derive(Clone, Debug)]
pub struct Options {
    /// The size in bytes at which a memtable is written to level 0.
    pub memtable_bytes: usize,
    /// The number of tables in level 0 at which all of them are compacted into level 1.
    pub level_0_tables: usize,
    /// The number of tables in level 0 at which writers wait for a compaction if the memtable is full. At least
    /// `level_0_tables`.
    pub level_0_stop: usize,
    /// The number of bytes in level 1 above which tables of level 1 are compacted into level 2. The limit of each further level is
    /// ten times the limit of the level before.
    pub level_1_bytes: u64,
    /// The size in bytes at which a compaction ends a table and begins the next table.
    pub table_bytes: u64,
    /// The size of the cache of blocks, in bytes.
    pub cache_bytes: u64,
    /// Whether an acknowledged write survives a power failure, not only the end of the process.
    pub is_synced: bool,
}

impl Options {
    /// Refuses options with which writes or compactions would never end.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.memtable_bytes == 0 || self.level_0_tables == 0 || self.table_bytes == 0 {
            return Err(Error::Invalid("a memtable, level 0 and a table must have room"));
        }
        if self.level_0_stop < self.level_0_tables {
            return Err(Error::Invalid("writers must not stop before level 0 is compacted"));
        }
        Ok(())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            memtable_bytes: 1 << 20,
            level_0_tables: 4,
            level_0_stop: 12,
            level_1_bytes: 4 << 20,
            table_bytes: 1 << 20,
            cache_bytes: 2 << 20,
            is_synced: true,
        }
    }
}

/// A key-value store in a directory. Dropping the store waits for its background threads. Acknowledged writes are kept
/// even if the store is never dropped.
pub struct Store {
    inner: Arc<Inner>,
    threads: Vec<JoinHandle<()>>,
}

pub(crate) struct Inner {
    pub(crate) options: Options,
    pub(crate) metrics: SharedMetrics,
    pub(crate) tables: TableContext,
    pub(crate) wal: Wal,
    pub(crate) state: RwLock<State>,
    /// A lock that a writer holds shared while it writes to the log and the memtable. The lock is held exclusively while
    /// both are replaced by a new log and a new memtable.
    pub(crate) freezing: RwLock<()>,
    /// A lock that is held while the manifest is replaced.
    pub(crate) manifest: Mutex<()>,
    pub(crate) next_file: AtomicU64,
    pub(crate) work: Mutex<Work>,
    pub(crate) work_changed: Condvar,
    pub(crate) _lock: DirectoryLock,
}

/// The parts of the store that readers use.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) active: Arc<Memtable>,
    /// A memtable that is being written to level 0.
    pub(crate) frozen: Option<Arc<Memtable>>,
    pub(crate) levels: Arc<Levels>,
}

impl Store {
    /// Opens or creates a store.
    pub fn open(directory: &Path, options: Options, metrics: SharedMetrics) -> Result<Self, Error> {
        let inner = Arc::new(Inner::open(directory, options, metrics)?);
        let (flushes, compactions) = (Arc::clone(&inner), Arc::clone(&inner));
        let threads = vec![
            std::thread::spawn(move || flushes.run_flushes()),
            std::thread::spawn(move || compactions.run_compactions()),
        ];
        Ok(Self { inner, threads })
    }

    /// Returns the value of a key. Only a sample of the calls is timed, because a call may take less time than ten readings
    /// of the clock.
    #[metrics(
        at = self.inner.metrics,
        errors = operation_errors[Op::Get],
        time = operation[Op::Get],
        sample = 16
    )]
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let State { active, frozen, levels } = self.inner.state.read().clone();
        let in_memory = active.get(key).or_else(|| frozen?.get(key));
        match in_memory {
            Some(entry) => Ok(entry),
            None => Ok(levels.get(key)?.flatten()),
        }
    }

    /// Stores a value. The value is durable on return if [`Options::is_synced`] is set. Only a sample of the calls is
    /// timed, because a write without a sync takes only a few microseconds.
    #[metrics(
        at = self.inner.metrics,
        errors = operation_errors[Op::Put],
        time = operation[Op::Put],
        sample = 16
    )]
    pub fn put(&self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.inner.write(key, Some(value))?;
        self.inner.metrics.value_size.record(value.len() as u64);
        Ok(())
    }

    /// Deletes a key. The deletion is durable on return if [`Options::is_synced`] is set.
    #[metrics(
        at = self.inner.metrics,
        errors = operation_errors[Op::Delete],
        time = operation[Op::Delete],
        sample = 16
    )]
    pub fn delete(&self, key: &[u8]) -> Result<(), Error> {
        self.inner.write(key, None)
    }

    /// Returns at most `limit` keys and values, beginning at a key.
    #[metrics(
        at = self.inner.metrics,
        errors = operation_errors[Op::Scan],
        time = operation[Op::Scan]
    )]
    pub fn scan(&self, from: &[u8], limit: usize) -> Result<Pairs, Error> {
        let State { active, frozen, levels } = self.inner.state.read().clone();
        let memtables = [Some(&active), frozen.as_ref()].into_iter().flatten();
        let memory = memtables.map(|memtable| Box::new(memtable.iter(from).map(Ok)) as Source<'_>);
        Merge::new(memory.chain(levels.sources(from)))
            .filter_map(|item| match item {
                Ok((key, value)) => value.map(|value| Ok((key, value))),
                Err(error) => Some(Err(error)),
            })
            .take(limit)
            .collect()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.inner.close();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Inner {
    fn write(&self, key: &[u8], value: Option<&[u8]>) -> Result<(), Error> {
        if key.len() > MAX_KEY_LEN || value.is_some_and(|value| value.len() > MAX_VALUE_LEN) {
            return Err(Error::Invalid("the key is over 64 KiB, or the value over 16 MiB"));
        }
        while self.is_full() {
            if self.is_blocked() {
                self.stall()?;
            } else {
                self.freeze()?;
            }
        }
        let _writing = self.freezing.read();
        let active = Arc::clone(&self.state.read().active);
        let sequence = self.wal.append(key, value)?;
        active.insert(sequence, key, value);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.state.read().active.bytes() >= self.options.memtable_bytes
    }

    /// Returns whether a full memtable cannot be frozen yet.
    fn is_blocked(&self) -> bool {
        let state = self.state.read();
        state.frozen.is_some() || self.has_too_many_tables(&state)
    }

    fn has_too_many_tables(&self, state: &State) -> bool {
        state.levels.0[0].len() >= self.options.level_0_stop
    }

    /// Waits until background work makes it possible to freeze a full memtable. Returns an error if the work fails.
    #[metrics(time = write_stall)]
    fn stall(&self) -> Result<(), Error> {
        let mut work = self.work.lock();
        while self.is_blocked() {
            // This is evaluated before the `match`, because the `match` would keep the state locked during the wait.
            let waits_for_compaction = self.has_too_many_tables(&self.state.read());
            match work.error(waits_for_compaction) {
                Some(Error::Stopped) => return Err(Error::Stopped),
                Some(_) => return Err(Error::Busy),
                None => self.work_changed.wait(&mut work),
            }
        }
        Ok(())
    }

    /// Begins a new memtable with a new log, and requests a flush of the full memtable.
    fn freeze(&self) -> Result<(), Error> {
        let _no_writer = self.freezing.write();
        if !self.is_full() || self.is_blocked() {
            return Ok(()); // another writer has replaced the full memtable in the meantime
        }
        let log = self.next_file();
        self.wal.rotate(log)?;
        let mut state = self.state.write();
        let full = std::mem::replace(&mut state.active, Arc::new(Memtable::new(log)));
        self.metrics.frozen.add(full.bytes());
        state.frozen = Some(full);
        drop(state);
        self.notify();
        Ok(())
    }

    pub(crate) fn next_file(&self) -> u64 {
        self.next_file.fetch_add(1, Relaxed)
    }
}
