//! The kinds of errors that an operator can act on.

use std::io;

use papyra_metrics::Label;

/// The kind of an error of a database. Each wrapper converts the errors of its database to a kind.
#[derive(Clone, Copy, Debug, Label)]
pub enum ErrorKind {
    /// The disk is full, or the file may not grow.
    StorageFull,
    /// Any other I/O error.
    Io,
    /// The stored data are damaged.
    Corrupt,
    /// An earlier error has stopped the database; it has to be opened again.
    Stopped,
    /// Anything else, such as an invalid argument.
    Other,
}

impl From<&io::Error> for ErrorKind {
    fn from(error: &io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match error.kind() {
            FileTooLarge | QuotaExceeded | StorageFull => Self::StorageFull,
            _ => Self::Io,
        }
    }
}
