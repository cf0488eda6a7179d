//! Reads, replaces and compares lock files.

use std::path::Path;
use std::{env, fs, io};

use super::changes::Change;
use super::error::SchemaError;
use super::model::Schema;
use super::report::Report;
use super::text;

impl Schema {
    /// Compares this schema with the lock file at `path`, or writes the file, as [`check`](super::check) does.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`check`](super::check).
    pub fn check(&self, path: impl AsRef<Path>) -> Result<Report, SchemaError> {
        let path = path.as_ref();
        let is_update = env::var_os("UPDATE_METRICS").is_some_and(|it| !it.is_empty() && it != "0");
        let locked = match Self::read(path) {
            // An update also replaces a damaged file.
            Err(SchemaError::Missing { .. } | SchemaError::Malformed { .. }) if is_update => {
                Self::default()
            }
            locked => locked?,
        };
        let changes = self.changes_since(&locked);
        if is_update {
            self.write(path)?;
        } else if changes.iter().any(Change::is_breaking) {
            return Err(SchemaError::Changed { path: path.to_owned(), changes });
        }
        let path = path.to_owned();
        Ok(Report { path, metrics: self.families.len(), changes, is_updated: is_update })
    }

    /// Reads a lock file.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is missing, cannot be read, or is not a lock file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, SchemaError> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => SchemaError::Missing { path: path.to_owned() },
            _ => SchemaError::Io { path: path.to_owned(), operation: "reading it", error },
        })?;
        text::parse(&text).map_err(|(line, problem)| SchemaError::Malformed {
            path: path.to_owned(),
            line,
            problem,
        })
    }

    /// Writes a lock file. The old file, if there is one, is replaced in one step.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written. The old file is then unchanged.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), SchemaError> {
        let path = path.as_ref();
        let io =
            |operation| move |error| SchemaError::Io { path: path.to_owned(), operation, error };
        // The temporary file is in the same directory, because a rename within one directory is atomic.
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(format!(".{}.tmp", std::process::id()));
        let written = fs::write(&temporary, self.to_string())
            .map_err(io("writing its replacement"))
            .and_then(|()| fs::rename(&temporary, path).map_err(io("replacing it")));
        if written.is_err() {
            let _ = fs::remove_file(&temporary); // the first error is reported
        }
        written
    }
}
