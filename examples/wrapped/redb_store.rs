//! Metrics around `redb`.

use std::path::{Path, PathBuf};

use papyra_metrics::{Counter, Family, Histogram, Metrics, Sizes, metrics};
use redb::{Database, Error, ReadableDatabase, TableDefinition};

use crate::error_kind::ErrorKind;

const RECORDS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("records");

/// The metrics of a [`RedbStore`].
#[derive(Debug, Default, Metrics)]
#[metrics(prefix = "redb_")]
pub struct RedbMetrics {
    /// Records that are durable.
    pub records_written: Counter,
    /// How long a durable write takes, with its transaction.
    pub write: Histogram,
    /// How long a read takes, with its transaction.
    pub read: Histogram,
    /// Sizes of the values written.
    pub value_size: Histogram<Sizes>,
    /// Writes that failed.
    pub write_errors: Family<ErrorKind, Counter>,
    /// Reads that failed.
    pub read_errors: Family<ErrorKind, Counter>,
    /// Size of the database's file.
    #[metrics(gauge = |path| path.metadata().map_or(0, |file| file.len()), unit = "bytes")]
    pub file: PathBuf,
}

impl From<&Error> for ErrorKind {
    fn from(error: &Error) -> Self {
        match error {
            Error::Io(error) => error.into(),
            Error::Corrupted(_) => Self::Corrupt,
            Error::PreviousIo => Self::Stopped,
            _ => Self::Other,
        }
    }
}

/// A database of records.
pub struct RedbStore {
    database: Database,
    /// The metrics, which the application can register, publish or print.
    pub metrics: RedbMetrics,
}

impl RedbStore {
    /// Opens or creates the database in this file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let metrics = RedbMetrics { file: path.to_owned(), ..RedbMetrics::default() };
        Ok(Self { database: Database::create(path)?, metrics })
    }

    /// Writes a record, which is durable on return.
    #[metrics(errors = write_errors, ok = records_written, time = write)]
    pub fn write(&self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let transaction = self.database.begin_write()?;
        transaction.open_table(RECORDS)?.insert(key, value)?;
        transaction.commit()?;
        self.metrics.value_size.record(value.len() as u64);
        Ok(())
    }

    /// Reads a record.
    #[metrics(errors = read_errors, time = read)]
    pub fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let table = self.database.begin_read()?.open_table(RECORDS)?;
        Ok(table.get(key)?.map(|value| value.value().to_vec()))
    }
}
