//! Errors of the engine.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::metrics::ErrorKind;

/// An error of the engine. It can be cloned, because all writers of a batch get the error of their batch.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// An I/O error.
    #[error("{0}")]
    Io(Arc<io::Error>),
    /// Stored data are damaged.
    #[error("`{}` is damaged: {problem}", path.display())]
    Corrupt {
        /// The damaged file.
        path: PathBuf,
        /// The problem that was found.
        problem: &'static str,
    },
    /// The store has stopped, because its stored state is unknown after an earlier error.
    #[error("an earlier error has stopped the store; open it again")]
    Stopped,
    /// Memory is full and cannot be flushed, because the last flush or compaction failed.
    #[error("memory is full and cannot be flushed; try again later")]
    Busy,
    /// A request or an option is not valid.
    #[error("{0}")]
    Invalid(&'static str),
}

impl Error {
    pub(crate) fn corrupt(path: &Path, problem: &'static str) -> Self {
        Self::Corrupt { path: path.to_owned(), problem }
    }

    pub(crate) fn missing(path: &Path) -> Self {
        Self::corrupt(path, "the manifest lists this file, which is missing")
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

impl From<&Error> for ErrorKind {
    fn from(error: &Error) -> Self {
        match error {
            Error::Io(error) => match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::StorageFull,
                _ => Self::Io,
            },
            Error::Corrupt { .. } => Self::Corrupt,
            Error::Stopped => Self::Stopped,
            Error::Busy => Self::Busy,
            Error::Invalid(_) => Self::Invalid,
        }
    }
}
