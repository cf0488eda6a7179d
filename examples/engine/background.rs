//! The background work: one thread flushes memtables to level 0, and another thread compacts tables into deeper levels.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use papyra_metrics::Label;

use super::error::Error;
use super::levels::{Compaction, Levels, Limits};
use super::manifest::{Manifest, sync_directory};
use super::memtable::Memtable;
use super::merge::Item;
use super::metrics::metrics;
use super::store::Inner;
use super::table::Table;
use super::table_writer::TableWriter;
use super::wal;

/// The delay after which failed work is tried again.
const RETRY: Duration = Duration::from_millis(100);

/// The state that the background threads share with stalled writers.
#[derive(Default)]
pub(crate) struct Work {
    /// The number of changes of the state so far. A thread reads this number before it looks for work. If the thread finds
    /// no work, it waits until the number has changed, so that it misses no change.
    changes: u64,
    is_closing: bool,
    flush_error: Option<Error>,
    compaction_error: Option<Error>,
}

impl Work {
    /// Returns the error of the last compaction if `waits_for_compaction`, and otherwise the error of the last flush.
    /// Returns `None` if that compaction or flush succeeded.
    pub(crate) fn error(&self, waits_for_compaction: bool) -> Option<&Error> {
        let error = if waits_for_compaction { &self.compaction_error } else { &self.flush_error };
        error.as_ref()
    }
}

impl Inner {
    pub(crate) fn run_flushes(&self) {
        self.run(
            |work| &mut work.flush_error,
            || {
                let frozen = self.state.read().frozen.clone()?;
                Some(self.flush(&frozen))
            },
        );
    }

    pub(crate) fn run_compactions(&self) {
        let limits = Limits {
            level_0_tables: self.options.level_0_tables,
            level_1_bytes: self.options.level_1_bytes,
        };
        self.run(
            |work| &mut work.compaction_error,
            || {
                let levels = Arc::clone(&self.state.read().levels);
                Some(self.compact(&levels.pick(limits)?))
            },
        );
    }

    /// Runs `job` repeatedly until the store is closed. If `job` returns `None`, there is no work, and the thread waits until
    /// the state changes. If `job` returns `Error::Stopped`, stops the log and returns. After any other error, tries again
    /// after a delay.
    fn run(
        &self,
        error: impl Fn(&mut Work) -> &mut Option<Error>,
        job: impl Fn() -> Option<Result<(), Error>>,
    ) {
        let mut work = self.work.lock();
        while !work.is_closing {
            let seen = work.changes;
            let outcome = parking_lot::MutexGuard::unlocked(&mut work, &job);
            let Some(outcome) = outcome else {
                while work.changes == seen && !work.is_closing {
                    self.work_changed.wait(&mut work);
                }
                continue;
            };
            let failure = outcome.err();
            let is_failure = failure.is_some();
            let is_stop = matches!(failure, Some(Error::Stopped));
            *error(&mut work) = failure;
            work.changes += 1;
            self.work_changed.notify_all();
            if is_stop {
                self.wal.stop();
                return;
            }
            if is_failure {
                let next = Instant::now() + RETRY;
                while !work.is_closing && !self.work_changed.wait_until(&mut work, next).timed_out()
                {
                }
            }
        }
    }

    /// Wakes the background threads and stalled writers.
    pub(crate) fn notify(&self) {
        self.work.lock().changes += 1;
        self.work_changed.notify_all();
    }

    /// Ends the background threads.
    pub(crate) fn close(&self) {
        self.work.lock().is_closing = true;
        self.work_changed.notify_all();
    }

    /// Writes a memtable to level 0, and removes the logs that contain its records.
    #[metrics(errors = flush_errors, time = flush)]
    pub(crate) fn flush(&self, frozen: &Memtable) -> Result<(), Error> {
        let outputs = self.write_tables(frozen.iter(&[]).map(Ok), u64::MAX)?;
        let bytes = outputs.iter().map(|table| table.len).sum();
        let first_log = self.install(&outputs, true, |levels| {
            outputs.iter().fold(levels.clone(), |levels, table| levels.flushed(Arc::clone(table)))
        })?;
        self.metrics.flushed.add(bytes);
        self.metrics.frozen.sub(frozen.bytes());
        // Not up to the log of the current memtable: since `install`, a writer may have frozen another memtable, whose
        // log is still needed.
        for log in frozen.log..first_log {
            let _ = fs::remove_file(wal::path(&self.tables.directory, log)); // if this fails, the next opening removes the log
        }
        Ok(())
    }

    #[metrics(errors = compaction_errors, time = compaction[plan.into])]
    fn compact(&self, plan: &Compaction) -> Result<(), Error> {
        let is_kept = |item: &Item| !(plan.drops_deletions && matches!(item, Ok((_, None))));
        let entries = plan.merge().filter(is_kept);
        let outputs = self.write_tables(entries, self.options.table_bytes)?;
        self.install(&outputs, false, |levels| levels.replaced(plan, outputs.clone()))?;
        let bytes = outputs.iter().map(|table| table.len).sum();
        self.metrics.compacted[plan.into].add(bytes);
        for input in &plan.inputs {
            TableWriter::remove(&self.tables.directory, input.number);
        }
        Ok(())
    }

    /// Writes entries to one or more tables. If that fails, removes the files of the tables.
    fn write_tables(
        &self,
        entries: impl Iterator<Item = Item>,
        max_bytes: u64,
    ) -> Result<Vec<Arc<Table>>, Error> {
        let mut numbers = Vec::new();
        let written = self.try_write_tables(entries, max_bytes, &mut numbers);
        if written.is_err() {
            self.remove_tables(&numbers);
        }
        written
    }

    fn try_write_tables(
        &self,
        mut entries: impl Iterator<Item = Item>,
        max_bytes: u64,
        numbers: &mut Vec<u64>,
    ) -> Result<Vec<Arc<Table>>, Error> {
        let mut tables = Vec::new();
        let mut next = entries.next().transpose()?;
        while next.is_some() {
            let number = self.next_file();
            numbers.push(number);
            let mut writer = TableWriter::create(&self.tables.directory, number)?;
            while let Some((key, value)) = next.take_if(|_| writer.len() < max_bytes) {
                writer.add(&key, value.as_deref())?;
                next = entries.next().transpose()?;
            }
            writer.finish(self.options.is_synced)?;
            tables.push(Arc::new(Table::open(&self.tables, number)?));
        }
        sync_directory(&self.tables.directory, self.options.is_synced)?;
        Ok(tables)
    }

    fn remove_tables(&self, numbers: &[u64]) {
        for &number in numbers {
            TableWriter::remove(&self.tables.directory, number);
        }
    }

    /// Writes a change of the levels to the manifest, and then makes the change visible to readers. Returns the number of
    /// the first log in the manifest.
    fn install(
        &self,
        outputs: &[Arc<Table>],
        is_flush: bool,
        edit: impl FnOnce(&Levels) -> Levels,
    ) -> Result<u64, Error> {
        let _manifest = self.manifest.lock();
        let state = self.state.read().clone();
        let levels = Arc::new(edit(&state.levels));
        let frozen = state.frozen.filter(|_| !is_flush);
        let first_log = frozen.as_ref().map_or(state.active.log, |frozen| frozen.log);
        let written =
            Manifest::of(&levels, first_log).write(&self.tables.directory, self.options.is_synced);
        // After `Stopped`, the new manifest may be in use, so the new tables are kept. After any other error, the old
        // manifest is still in use.
        if let Err(error) = &written
            && !matches!(error, Error::Stopped)
        {
            self.remove_tables(&outputs.iter().map(|table| table.number).collect::<Vec<_>>());
        }
        written?;
        self.update_level_gauges(&levels);
        let mut state = self.state.write();
        state.levels = levels;
        if is_flush {
            state.frozen = None;
        }
        Ok(first_log)
    }

    fn update_level_gauges(&self, levels: &Levels) {
        for (level, tables) in self.metrics.tables.iter() {
            let index = level.index();
            tables.set(levels.0[index].len());
            self.metrics.level[level].set(levels.bytes(index));
        }
    }
}
