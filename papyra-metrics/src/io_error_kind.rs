//! A label for I/O errors.

use crate::label::{Label, LabelValues};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $value:literal,)*) => {
        /// The kind of an I/O error, as a label: the kinds of [`std::io::ErrorKind`] that a storage backend meets, and
        /// [`Other`](Self::Other) for the rest. The label's name is `error_kind`.
        ///
        /// ```
        /// use papyra_metrics::{Counter, Family, IoErrorKind, Metrics};
        /// use std::io;
        ///
        /// #[derive(Default, Metrics)]
        /// struct LogMetrics {
        ///     /// Appends that failed.
        ///     write_errors: Family<IoErrorKind, Counter>,
        /// }
        ///
        /// let metrics = LogMetrics::default();
        /// let error = io::Error::from(io::ErrorKind::StorageFull);
        /// metrics.write_errors[IoErrorKind::from(&error)].inc();
        /// assert_eq!(metrics.snapshot()["write_errors{error_kind=storage_full}"], 1);
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum IoErrorKind {
            $($(#[$doc])* $kind,)*
            /// Any other kind.
            Other,
        }

        impl IoErrorKind {
            const ALL: &[Self] = &[$(Self::$kind,)* Self::Other];
            const VALUES: &[&str] = &[$($value,)* "other"];
        }

        #[cfg(feature = "std")]
        impl From<std::io::ErrorKind> for IoErrorKind {
            fn from(kind: std::io::ErrorKind) -> Self {
                match kind {
                    $(std::io::ErrorKind::$kind => Self::$kind,)*
                    _ => Self::Other,
                }
            }
        }
    };
}

kinds! {
    /// A file or directory was not found.
    NotFound "not_found",
    /// The process lacks the permission for the operation.
    PermissionDenied "permission_denied",
    /// The file or directory exists already.
    AlreadyExists "already_exists",
    /// The storage device is full.
    StorageFull "storage_full",
    /// A quota is used up.
    QuotaExceeded "quota_exceeded",
    /// The file is larger than the system or a quota allows.
    FileTooLarge "file_too_large",
    /// The file system is mounted read-only.
    ReadOnlyFilesystem "read_only_filesystem",
    /// A file or another resource is in use.
    ResourceBusy "resource_busy",
    /// A directory was expected.
    NotADirectory "not_a_directory",
    /// A file was expected.
    IsADirectory "is_a_directory",
    /// A directory is not empty.
    DirectoryNotEmpty "directory_not_empty",
    /// A file handle refers to a file that no longer exists, which can happen on network file systems.
    StaleNetworkFileHandle "stale_network_file_handle",
    /// The data are not valid, for example because a file is damaged.
    InvalidData "invalid_data",
    /// The data end too early.
    UnexpectedEof "unexpected_eof",
    /// A write accepted no bytes.
    WriteZero "write_zero",
    /// A parameter was not valid.
    InvalidInput "invalid_input",
    /// The operation was interrupted and can be tried again.
    Interrupted "interrupted",
    /// The operation would have to wait.
    WouldBlock "would_block",
    /// The operation did not finish in time.
    TimedOut "timed_out",
    /// A connection was refused.
    ConnectionRefused "connection_refused",
    /// A connection was reset by the other side.
    ConnectionReset "connection_reset",
    /// A connection was aborted.
    ConnectionAborted "connection_aborted",
    /// There is no connection.
    NotConnected "not_connected",
    /// The other end of a pipe is closed.
    BrokenPipe "broken_pipe",
    /// The host cannot be reached.
    HostUnreachable "host_unreachable",
    /// The network cannot be reached.
    NetworkUnreachable "network_unreachable",
    /// The system does not support the operation.
    Unsupported "unsupported",
    /// There is not enough memory.
    OutOfMemory "out_of_memory",
}

impl Label for IoErrorKind {
    const LABELS: &'static [LabelValues] = &[LabelValues::new("error_kind", Self::VALUES)];
    type Members<T> = [T; Self::ALL.len()];

    #[inline]
    fn index(self) -> usize {
        self as usize
    }

    fn from_index(index: usize) -> Option<Self> {
        Self::ALL.get(index).copied()
    }
}

#[cfg(feature = "std")]
impl From<&std::io::Error> for IoErrorKind {
    fn from(error: &std::io::Error) -> Self {
        error.kind().into()
    }
}
