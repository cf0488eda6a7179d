//! Why a file cannot be made or read, in words for the operator.

use core::fmt;
use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
};

use super::layout::{Fault, Process};

/// Why metrics could not be published. It names the path and says what to do.
#[derive(Debug)]
pub struct PublishError {
    path: PathBuf,
    cause: PublishCause,
}

#[derive(Debug)]
pub(super) enum PublishCause {
    /// Another process publishes there; which one, where its file could be read.
    InUse(Option<Process>),
    /// There is something that is not ours.
    NotOurs(&'static str),
    NoFileName,
    TooLarge,
    Io(&'static str, io::Error),
}

impl PublishError {
    pub(super) fn new(path: &Path, cause: PublishCause) -> Self {
        Self { path: path.into(), cause }
    }

    /// The path to which metrics were to be published.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether another process publishes there that is still alive.
    pub fn is_in_use(&self) -> bool {
        matches!(self.cause, PublishCause::InUse(_))
    }
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot publish metrics at {}: ", self.path.display())?;
        match &self.cause {
            PublishCause::InUse(Some(process)) => write!(
                f,
                "{} (pid {}) publishes there and is alive; give each process a path of its own",
                process.program.escape_debug(),
                process.pid
            ),
            PublishCause::InUse(None) => f.write_str(
                "another process publishes there and is alive; give each process a path of its own",
            ),
            PublishCause::NotOurs(what) => {
                write!(f, "there is {what}, which is left alone; remove it or use another path")
            }
            PublishCause::NoFileName => f.write_str("it ends in no file name"),
            PublishCause::TooLarge => f.write_str("the struct does not fit into a file of metrics"),
            PublishCause::Io(doing, error) => write!(f, "{doing}: {error}"),
        }
    }
}

impl Error for PublishError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            PublishCause::Io(_, error) => Some(error),
            _ => None,
        }
    }
}

/// So that `?` serves in functions that return an [`io::Result`].
impl From<PublishError> for io::Error {
    fn from(error: PublishError) -> Self {
        let kind = match &error.cause {
            PublishCause::InUse(_) => io::ErrorKind::ResourceBusy,
            PublishCause::NotOurs(_) => io::ErrorKind::AlreadyExists,
            PublishCause::NoFileName => io::ErrorKind::InvalidInput,
            PublishCause::TooLarge => io::ErrorKind::FileTooLarge,
            PublishCause::Io(_, error) => error.kind(),
        };
        Self::new(kind, error)
    }
}

/// Why a file could not be read as metrics. It names the path.
#[derive(Debug)]
pub struct ReadError {
    path: PathBuf,
    cause: ReadCause,
}

#[derive(Debug)]
pub(super) enum ReadCause {
    Absent,
    NoRegularFile(&'static str),
    Empty,
    Fault(Fault),
    Io(io::Error),
}

impl ReadError {
    pub(super) fn new(path: &Path, cause: ReadCause) -> Self {
        Self { path: path.into(), cause }
    }

    /// The path that was to be read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is simply nothing to read: no file, an empty one, or something that is no regular file.
    /// Anything else is wrong with the file or with reading it.
    pub fn is_unavailable(&self) -> bool {
        matches!(self.cause, ReadCause::Absent | ReadCause::NoRegularFile(_) | ReadCause::Empty)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        match &self.cause {
            ReadCause::Absent => f.write_str("there is no such file"),
            ReadCause::NoRegularFile(what) => write!(f, "it is {what} and no file of metrics"),
            ReadCause::Empty => f.write_str("the file is empty"),
            ReadCause::Fault(Fault::NotMetrics) => f.write_str("this is no file of metrics"),
            ReadCause::Fault(Fault::ByteOrder) => f.write_str(
                "a machine of the other byte order wrote these metrics; read them there",
            ),
            ReadCause::Fault(Fault::Version(version)) => write!(
                f,
                "these metrics have version {version} of the format, and this program knows version 1; read \
                 them with the version of papyra-metrics that wrote them"
            ),
            ReadCause::Fault(Fault::Damaged(what)) => {
                write!(f, "the file of metrics is damaged: {what}")
            }
            ReadCause::Io(error) => error.fmt(f),
        }
    }
}

impl Error for ReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            ReadCause::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// So that `?` serves in functions that return an [`io::Result`].
impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        let kind = match &error.cause {
            ReadCause::Absent => io::ErrorKind::NotFound,
            ReadCause::NoRegularFile(_) | ReadCause::Empty | ReadCause::Fault(_) => {
                io::ErrorKind::InvalidData
            }
            ReadCause::Io(error) => error.kind(),
        };
        Self::new(kind, error)
    }
}
