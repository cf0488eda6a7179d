//! Errors of a comparison with a lock file.

use std::path::PathBuf;
use std::{error, fmt, io};

use super::changes::Change;

/// The error of a comparison with a lock file.
///
/// `Debug` prints the text of `Display` and the cause, because tests call `unwrap`, which prints `Debug`.
#[non_exhaustive]
pub enum SchemaError {
    /// There is no lock file.
    Missing {
        /// The path of the lock file.
        path: PathBuf,
    },
    /// An operation of the operating system failed.
    Io {
        /// The path of the lock file.
        path: PathBuf,
        /// The operation that failed, such as "reading it".
        operation: &'static str,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The file is not a lock file.
    Malformed {
        /// The path of the file.
        path: PathBuf,
        /// The number of the line, from 1.
        line: usize,
        /// A description of the problem in this line.
        problem: String,
    },
    /// Metrics were removed, or have changed in a way that can break dashboards and alerts.
    Changed {
        /// The path of the lock file.
        path: PathBuf,
        /// All changes, including additions.
        changes: Vec<Change>,
    },
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path } => {
                let path = path.display();
                write!(
                    f,
                    "`{path}` does not exist; create it by running this test with UPDATE_METRICS=1"
                )
            }
            Self::Io { path, operation, .. } => {
                write!(f, "`{}`: {operation} failed", path.display())
            }
            Self::Malformed { path, line, problem } => write!(
                f,
                "`{}`, line {line}: {problem}; restore the file, or replace it by running this test with UPDATE_METRICS=1",
                path.display()
            ),
            Self::Changed { path, changes } => {
                write!(
                    f,
                    "metrics differ from `{}`, and dashboards and alerts may use them:",
                    path.display()
                )?;
                for change in changes {
                    write!(f, "\n  {change}")?;
                }
                write!(
                    f,
                    "\nif this is intended, run this test with UPDATE_METRICS=1 and commit the file"
                )
            }
        }
    }
}

impl fmt::Debug for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        match self {
            Self::Io { error, .. } => write!(f, ": {error}"),
            _ => Ok(()),
        }
    }
}

impl error::Error for SchemaError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}
