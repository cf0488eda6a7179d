//! Metrics around `fjall`.

use std::path::Path;

use fjall::{Database, Error, Keyspace, KeyspaceCreateOptions, PersistMode};
use papyra_metrics::{Counter, Family, Histogram, Metrics, Sizes, metrics};

use crate::error_kind::ErrorKind;

/// The metrics of a [`FjallStore`].
#[derive(Debug, Default, Metrics)]
pub struct FjallMetrics {
    /// Records that are durable.
    pub records_written: Counter,
    /// How long a durable write takes.
    pub write: Histogram,
    /// How long a read takes.
    pub read: Histogram,
    /// Sizes of the values written.
    pub value_size: Histogram<Sizes>,
    /// Writes that failed.
    pub write_errors: Family<ErrorKind, Counter>,
    /// Reads that failed.
    pub read_errors: Family<ErrorKind, Counter>,
}

impl From<&Error> for ErrorKind {
    fn from(error: &Error) -> Self {
        use fjall::LsmError;
        match error {
            Error::Io(error) | Error::Storage(LsmError::Io(error)) => error.into(),
            Error::Poisoned => Self::Stopped,
            Error::Storage(_) | Error::InvalidTrailer | Error::InvalidTag(_) => Self::Corrupt,
            _ => Self::Other,
        }
    }
}

/// A database of records. It implements `Metrics`, with the metrics of the wrapper and statistics of the database.
#[derive(Metrics)]
#[metrics(prefix = "fjall_")]
pub struct FjallStore {
    /// The metrics that the wrapper counts.
    #[metrics(flatten)]
    pub metrics: FjallMetrics,
    #[metrics(skip)]
    records: Keyspace,
    /// Compactions that are finished.
    #[metrics(counter = Database::compactions_completed, name = "compactions")]
    /// Bytes that writes have put into memory since the last flush.
    #[metrics(gauge = Database::write_buffer_size, name = "write_buffer", unit = "bytes")]
    database: Database,
}

impl FjallStore {
    /// Opens or creates the database in this directory.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let database = Database::builder(path).open()?;
        let records = database.keyspace("records", KeyspaceCreateOptions::default)?;
        Ok(Self { metrics: FjallMetrics::default(), records, database })
    }

    /// Writes a record, which is durable on return.
    #[metrics(errors = write_errors, ok = records_written, time = write)]
    pub fn write(&self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.records.insert(key, value)?;
        self.database.persist(PersistMode::SyncAll)?;
        self.metrics.value_size.record(value.len() as u64);
        Ok(())
    }

    /// Reads a record.
    #[metrics(errors = read_errors, time = read)]
    pub fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.records.get(key)?.map(|value| value.to_vec()))
    }
}
