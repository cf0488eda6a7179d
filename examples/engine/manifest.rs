//! The manifest: the tables of each level, and the first log whose writes have to be replayed. A rename replaces the manifest
//! atomically.
//!
//! ```text
//! log 7
//! table 0 12
//! crc 89abcdef
//! ```

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use super::error::Error;
use super::levels::{LEVELS, Levels};
use super::table::Table;

const NAME: &str = "MANIFEST";
const TEMPORARY: &str = "MANIFEST.new";

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Manifest {
    /// The number of the oldest log whose writes have to be replayed.
    pub(crate) first_log: u64,
    /// The numbers of the tables in each level, in the order of [`Levels`].
    pub(crate) tables: [Vec<u64>; LEVELS],
}

impl Manifest {
    pub(crate) fn of(levels: &Levels, first_log: u64) -> Self {
        let numbers = |tables: &Vec<Arc<Table>>| tables.iter().map(|table| table.number).collect();
        Self { first_log, tables: levels.0.each_ref().map(numbers) }
    }

    /// Replaces the manifest. After [`Error::Stopped`], it is unknown whether the old or the new manifest is stored.
    /// After any other error, the old manifest is stored.
    pub(crate) fn write(&self, directory: &Path, is_synced: bool) -> Result<(), Error> {
        let mut text = format!("log {}\n", self.first_log);
        for (level, tables) in self.tables.iter().enumerate() {
            for table in tables {
                let _ = writeln!(text, "table {level} {table}"); // writing to a `String` cannot fail
            }
        }
        let _ = writeln!(text, "crc {:08x}", crc32fast::hash(text.as_bytes()));
        let temporary = directory.join(TEMPORARY);
        let mut file = File::create(&temporary)?;
        file.write_all(text.as_bytes())?;
        if is_synced {
            file.sync_all()?;
        }
        fs::rename(&temporary, directory.join(NAME))?;
        sync_directory(directory, is_synced).map_err(|_| Error::Stopped)
    }

    /// Reads the manifest. Returns `None` for a new store, which has no manifest.
    pub(crate) fn read(directory: &Path) -> Result<Option<Self>, Error> {
        let path = directory.join(NAME);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes?,
        };
        let manifest = str::from_utf8(&bytes).ok().and_then(Self::parse);
        manifest.map(Some).ok_or_else(|| Error::corrupt(&path, "wrong checksum or line"))
    }

    fn parse(text: &str) -> Option<Self> {
        let (body, checksum) = text.split_at_checked(text.rfind("crc ")?)?;
        let checksum = checksum.strip_prefix("crc ")?.strip_suffix('\n')?;
        let is_valid = u32::from_str_radix(checksum, 16).ok()? == crc32fast::hash(body.as_bytes());
        let mut manifest = Self::default();
        for line in body.lines().filter(|_| is_valid) {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["log", number] => manifest.first_log = number.parse().ok()?,
                ["table", level, number] => {
                    let tables = manifest.tables.get_mut(level.parse::<usize>().ok()?)?;
                    tables.push(number.parse().ok()?);
                }
                _ => return None,
            }
        }
        is_valid.then_some(manifest)
    }
}

/// Syncs a directory if `is_synced`, so that created, renamed and removed names are durable.
pub(crate) fn sync_directory(directory: &Path, is_synced: bool) -> Result<(), Error> {
    if is_synced {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}
