//! The report of a successful comparison with a lock file.

use std::fmt;
use std::path::PathBuf;

use super::changes::Change;

/// The result of a successful comparison with a lock file, or of an update of the file. A comparison is successful if
/// no change is breaking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub(super) path: PathBuf,
    /// The number of declared metrics.
    pub(super) metrics: usize,
    pub(super) changes: Vec<Change>,
    pub(super) is_updated: bool,
}

impl Report {
    /// Returns the differences from the lock file. After a comparison, these are additions, and changed help texts and
    /// components. After an update, these are all changes that were written.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Returns whether the lock file was written, because `UPDATE_METRICS` was set.
    pub fn is_updated(&self) -> bool {
        self.is_updated
    }
}

/// Writes `metrics.lock: 12 metrics`, followed by a line for each difference.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} metrics", self.path.display(), self.metrics)?;
        match (self.changes.is_empty(), self.is_updated) {
            (true, _) => return Ok(()),
            (false, true) => f.write_str("; updated:")?,
            (false, false) => f.write_str("; not in the file yet (UPDATE_METRICS=1 writes it):")?,
        }
        self.changes.iter().try_for_each(|change| write!(f, "\n  {change}"))
    }
}
