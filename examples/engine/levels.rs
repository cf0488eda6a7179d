//! The tables by level, and the choice of the next compaction.

use std::sync::Arc;

use papyra_metrics::Label;

use super::codec::Entry;
use super::error::Error;
use super::merge::{Merge, Source};
use super::metrics::{BlockReader, Level};
use super::table::Table;

pub(crate) const LEVELS: usize = Level::COUNT;

/// The tables of each level. In level 0, the tables are ordered from the newest to the oldest. In any other level, the
/// tables are ordered by key and do not overlap.
#[derive(Clone, Default)]
pub(crate) struct Levels(pub(crate) [Vec<Arc<Table>>; LEVELS]);

/// The limits that decide when a level is compacted into the next level.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// The number of tables at which level 0 is compacted.
    pub(crate) level_0_tables: usize,
    /// The number of bytes above which level 1 is compacted. The limit of each further level is ten times the limit of the
    /// level before.
    pub(crate) level_1_bytes: u64,
}

/// A compaction, which merges tables and replaces them by the result.
pub(crate) struct Compaction {
    pub(crate) into: Level,
    /// The tables to merge, from the newest to the oldest.
    pub(crate) inputs: Vec<Arc<Table>>,
    /// Whether deletions are dropped. A deletion is not needed if no deeper level can have an older entry of its key.
    pub(crate) drops_deletions: bool,
}

impl Levels {
    pub(crate) fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.0.iter().flatten()
    }

    pub(crate) fn bytes(&self, level: usize) -> u64 {
        self.0[level].iter().map(|table| table.len).sum()
    }

    /// Returns the newest entry of a key in all tables.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Entry>, Error> {
        for (level, tables) in self.0.iter().enumerate() {
            let candidates = if level == 0 {
                tables.as_slice()
            } else {
                let index = tables.partition_point(|table| table.last_key.as_slice() < key);
                &tables[index..tables.len().min(index + 1)]
            };
            for table in candidates {
                if let Some(entry) = table.get(key)? {
                    return Ok(Some(entry));
                }
            }
        }
        Ok(None)
    }

    /// Returns the tables that may have the key `from` or later keys, as sources of a merge.
    pub(crate) fn sources<'a>(&'a self, from: &'a [u8]) -> impl Iterator<Item = Source<'a>> {
        self.tables().filter(move |table| table.last_key.as_slice() >= from).map(move |table| {
            Box::new(Arc::clone(table).iter(from, BlockReader::Request)) as Source<'a>
        })
    }

    /// Chooses the tables to compact next.
    pub(crate) fn pick(&self, limits: Limits) -> Option<Compaction> {
        if self.0[0].len() >= limits.level_0_tables {
            return self.compaction(0, self.0[0].clone());
        }
        let mut limit = limits.level_1_bytes;
        for level in 1..LEVELS - 1 {
            if self.bytes(level) > limit {
                // Chooses the oldest table, so that each table is compacted in turn.
                let oldest = self.0[level].iter().min_by_key(|table| table.number)?;
                return self.compaction(level, vec![Arc::clone(oldest)]);
            }
            limit *= 10;
        }
        None
    }

    fn compaction(&self, level: usize, mut inputs: Vec<Arc<Table>>) -> Option<Compaction> {
        let first = inputs.iter().map(|table| table.first_key.clone()).min()?;
        let last = inputs.iter().map(|table| table.last_key.clone()).max()?;
        let overlaps = |table: &&Arc<Table>| table.overlaps(&first, &last);
        inputs.extend(self.0[level + 1].iter().filter(overlaps).cloned());
        let first = inputs.iter().map(|table| &table.first_key).min()?;
        let last = inputs.iter().map(|table| &table.last_key).max()?;
        let deeper = self.0[level + 2..].iter().flatten();
        let drops_deletions = !deeper.into_iter().any(|table| table.overlaps(first, last));
        Some(Compaction { into: Level::from_index(level + 1)?, inputs, drops_deletions })
    }

    /// Returns the levels after a compaction: `outputs` replace the inputs of the compaction.
    pub(crate) fn replaced(&self, compaction: &Compaction, outputs: Vec<Arc<Table>>) -> Self {
        let mut levels = self.clone();
        let is_input = |number| compaction.inputs.iter().any(|input| input.number == number);
        for tables in &mut levels.0 {
            tables.retain(|table| !is_input(table.number));
        }
        let level = &mut levels.0[compaction.into.index()];
        level.extend(outputs);
        level.sort_by(|a, b| a.first_key.cmp(&b.first_key));
        levels
    }

    /// Returns the levels with a new table in level 0.
    pub(crate) fn flushed(&self, table: Arc<Table>) -> Self {
        let mut levels = self.clone();
        levels.0[0].insert(0, table);
        levels
    }
}

impl Compaction {
    /// Merges the inputs. The result includes deletions, even if `drops_deletions` is set.
    pub(crate) fn merge(&self) -> Merge<'static> {
        Merge::new(self.inputs.iter().map(|table| {
            Box::new(Arc::clone(table).iter(&[], BlockReader::Compaction)) as Source<'static>
        }))
    }
}
