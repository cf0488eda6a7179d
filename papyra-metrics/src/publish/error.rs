//! Errors of publishing and reading, with messages for operators.

use core::fmt;
use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
};

use super::decode::FormatError;
use super::description::Process;

/// The error of publishing metrics. The message names the path and the problem, and suggests a fix unless the problem is an
/// error of the operating system.
#[derive(Debug)]
#[non_exhaustive]
pub enum PublishError {
    /// A live process publishes at the path.
    InUse {
        /// The path to which metrics were to be published.
        path: PathBuf,
        /// The live process, if its file could be read.
        process: Option<Process>,
    },
    /// The process that published the file at the path has ended, but the file cannot be replaced while a reader holds
    /// a lock on the file.
    Locked {
        /// The path to which metrics were to be published.
        path: PathBuf,
    },
    /// Something other than a metrics file is at the path.
    Occupied {
        /// The path to which metrics were to be published.
        path: PathBuf,
        /// The kind of file at the path, such as "a directory".
        found: &'static str,
    },
    /// The path does not end in a file name.
    InvalidFileName {
        /// The path to which metrics were to be published.
        path: PathBuf,
    },
    /// The struct has more metrics, or takes more memory, than a metrics file can contain.
    TooLarge {
        /// The path to which metrics were to be published.
        path: PathBuf,
    },
    /// An operation of the operating system failed.
    Io {
        /// The path to which metrics were to be published.
        path: PathBuf,
        /// The operation that failed, such as "creating a file in its directory".
        operation: &'static str,
        /// The error of the operating system.
        error: io::Error,
    },
}

/// A [`PublishError`] without the path, which [`at`](Self::at) adds.
#[derive(Debug)]
pub(super) enum PublishCause {
    InUse(Option<Process>),
    Locked,
    Occupied(&'static str),
    InvalidFileName,
    TooLarge,
    Io(&'static str, io::Error),
}

impl PublishCause {
    /// Returns a function that converts an I/O error of this operation.
    pub(super) fn io(operation: &'static str) -> impl Fn(io::Error) -> Self + Copy {
        move |error| Self::Io(operation, error)
    }

    pub(super) fn at(self, path: &Path) -> PublishError {
        let path = path.to_path_buf();
        match self {
            Self::InUse(process) => PublishError::InUse { path, process },
            Self::Locked => PublishError::Locked { path },
            Self::Occupied(found) => PublishError::Occupied { path, found },
            Self::InvalidFileName => PublishError::InvalidFileName { path },
            Self::TooLarge => PublishError::TooLarge { path },
            Self::Io(operation, error) => PublishError::Io { path, operation, error },
        }
    }
}

impl PublishError {
    /// Returns the path to which metrics were to be published.
    pub fn path(&self) -> &Path {
        match self {
            Self::InUse { path, .. }
            | Self::Locked { path }
            | Self::Occupied { path, .. }
            | Self::InvalidFileName { path }
            | Self::TooLarge { path }
            | Self::Io { path, .. } => path,
        }
    }

    /// Returns whether a live process publishes at the path.
    pub fn is_in_use(&self) -> bool {
        matches!(self, Self::InUse { .. })
    }
}

#[allow(clippy::unnecessary_debug_formatting)] // escapes newlines in the path, because a message is one line
impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot publish metrics at {:?}: ", self.path())?;
        match self {
            Self::InUse { process: Some(process), .. } => write!(
                f,
                "{} (pid {}) is alive and publishes there; give each process its own path",
                process.program.escape_debug(),
                process.pid
            ),
            Self::InUse { process: None, .. } => f.write_str(
                "another live process publishes there; give each process its own path",
            ),
            Self::Locked { .. } => f.write_str(
                "a reader has locked the file of a process that has ended; remove the file",
            ),
            Self::Occupied { found, .. } => {
                write!(f, "there is {found}, which is left alone; remove it or use another path")
            }
            Self::InvalidFileName { .. } => {
                f.write_str("the path does not end in a file name; add one, such as `log.metrics`")
            }
            Self::TooLarge { .. } => f.write_str(
                "the struct does not fit into a metrics file; publish parts of it at their own paths",
            ),
            Self::Io { operation, error, .. } => write!(f, "{operation}: {error}"),
        }
    }
}

// The message includes the message of the I/O error, so `source` returns the source of that error.
impl Error for PublishError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { error, .. } => error.source(),
            _ => None,
        }
    }
}

/// Allows `?` in functions that return an [`io::Result`].
impl From<PublishError> for io::Error {
    fn from(error: PublishError) -> Self {
        let kind = match &error {
            PublishError::InUse { .. } | PublishError::Locked { .. } => io::ErrorKind::ResourceBusy,
            PublishError::Occupied { .. } => io::ErrorKind::AlreadyExists,
            PublishError::InvalidFileName { .. } => io::ErrorKind::InvalidInput,
            PublishError::TooLarge { .. } => io::ErrorKind::FileTooLarge,
            PublishError::Io { error, .. } => error.kind(),
        };
        Self::new(kind, error)
    }
}

/// The error of reading a metrics file. The message names the path and the problem.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// Nothing is at the path.
    NotFound {
        /// The path that was given to the reader.
        path: PathBuf,
    },
    /// Something other than a regular file is at the path.
    NotAFile {
        /// The path that was given to the reader.
        path: PathBuf,
        /// The kind of file at the path, such as "a directory".
        found: &'static str,
    },
    /// The file is empty.
    Empty {
        /// The path that was given to the reader.
        path: PathBuf,
    },
    /// The file does not begin with the magic bytes of a metrics file.
    NotMetrics {
        /// The path that was given to the reader.
        path: PathBuf,
    },
    /// The file was written by a machine with another byte order.
    ForeignByteOrder {
        /// The path that was given to the reader.
        path: PathBuf,
    },
    /// The file was written by a version of this crate with another file format.
    UnsupportedVersion {
        /// The path that was given to the reader.
        path: PathBuf,
        /// The version of the format.
        version: u32,
    },
    /// The file is a metrics file, but its contents are invalid.
    Damaged {
        /// The path that was given to the reader.
        path: PathBuf,
        /// A description of the problem.
        problem: &'static str,
    },
    /// An operation of the operating system failed.
    Io {
        /// The path that was given to the reader.
        path: PathBuf,
        /// The operation that failed, such as "opening the file for writing".
        operation: &'static str,
        /// The error of the operating system.
        error: io::Error,
    },
}

/// A [`ReadError`] without the path, which [`at`](Self::at) adds.
#[derive(Debug)]
pub(super) enum ReadCause {
    NotAFile(&'static str),
    Empty,
    Format(FormatError),
    Io(&'static str, io::Error),
}

impl From<FormatError> for ReadCause {
    fn from(error: FormatError) -> Self {
        Self::Format(error)
    }
}

impl ReadCause {
    /// Returns a function that converts an I/O error of this operation.
    pub(super) fn io(operation: &'static str) -> impl Fn(io::Error) -> Self + Copy {
        move |error| Self::Io(operation, error)
    }

    pub(super) fn at(self, path: &Path) -> ReadError {
        let path = path.to_path_buf();
        match self {
            Self::NotAFile(found) => ReadError::NotAFile { path, found },
            Self::Empty => ReadError::Empty { path },
            Self::Format(FormatError::NotMetrics) => ReadError::NotMetrics { path },
            Self::Format(FormatError::ForeignByteOrder) => ReadError::ForeignByteOrder { path },
            Self::Format(FormatError::UnsupportedVersion(version)) => {
                ReadError::UnsupportedVersion { path, version }
            }
            Self::Format(FormatError::Damaged(problem)) => ReadError::Damaged { path, problem },
            Self::Io(operation, error) => match error.kind() {
                io::ErrorKind::NotFound => ReadError::NotFound { path },
                io::ErrorKind::UnexpectedEof => Self::Format(super::decode::CUT_SHORT).at(&path),
                _ => ReadError::Io { path, operation, error },
            },
        }
    }
}

impl ReadError {
    /// Returns the path that was given to the reader.
    pub fn path(&self) -> &Path {
        match self {
            Self::NotFound { path }
            | Self::NotAFile { path, .. }
            | Self::Empty { path }
            | Self::NotMetrics { path }
            | Self::ForeignByteOrder { path }
            | Self::UnsupportedVersion { path, .. }
            | Self::Damaged { path, .. }
            | Self::Io { path, .. } => path,
        }
    }

    /// Returns whether there is nothing to read: no file, an empty file, or something that is not a regular file.
    ///
    /// If this returns `false`, the file exists but is not valid, or cannot be read.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::NotAFile { .. } | Self::Empty { .. })
    }

    /// Returns whether the file is not a metrics file at all, as opposed to a damaged metrics file.
    pub fn is_not_metrics(&self) -> bool {
        matches!(self, Self::NotMetrics { .. })
    }
}

#[allow(clippy::unnecessary_debug_formatting)] // escapes newlines in the path, because a message is one line
impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read metrics from {:?}: ", self.path())?;
        match self {
            Self::NotFound { .. } => f.write_str("no such file"),
            Self::NotAFile { found, .. } => write!(f, "it is {found}, not a metrics file"),
            Self::Empty { .. } => f.write_str("the file is empty"),
            Self::NotMetrics { .. } => f.write_str("not a metrics file"),
            Self::ForeignByteOrder { .. } => f.write_str(
                "a machine with the other byte order wrote the file; read it on such a machine",
            ),
            Self::UnsupportedVersion { version, .. } => write!(
                f,
                "the file has version {version} of the format, and this program reads versions 1 and 2; use the version \
                 of papyra-metrics that wrote it"
            ),
            Self::Damaged { problem, .. } => write!(f, "the metrics file is damaged: {problem}"),
            Self::Io { operation, error, .. } => write!(f, "{operation}: {error}"),
        }
    }
}

// The message includes the message of the I/O error, so `source` returns the source of that error.
impl Error for ReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { error, .. } => error.source(),
            _ => None,
        }
    }
}

/// Allows `?` in functions that return an [`io::Result`].
impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        let kind = match &error {
            ReadError::NotFound { .. } => io::ErrorKind::NotFound,
            ReadError::Io { error, .. } => error.kind(),
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
