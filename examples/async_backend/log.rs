//! An append-only log in a file, shared by many tokio tasks. The length of each record precedes its payload:
//!
//! ```text
//! length: u32 LE | payload
//! ```

use std::fmt;
use std::io;
use std::path::Path;

use papyra_metrics::{Counter, Gauge, Histogram, Metered, Metrics, Sizes, metrics};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::sync::Mutex;

/// The maximum length of a record, in bytes.
pub(crate) const MAX_PAYLOAD_LEN: usize = 1 << 16;

/// The metrics of a log.
#[derive(Debug, Default, Metrics)]
pub(crate) struct LogMetrics {
    /// Appends that were started.
    appends: Counter,
    /// Records appended and acknowledged.
    records_written: Counter,
    /// Payload bytes appended and acknowledged.
    #[metrics(unit = "bytes")]
    bytes_written: Counter,
    /// Appends and syncs that returned an error.
    #[metrics(errors)]
    write_errors: Counter,
    /// Appends in progress.
    appends_in_flight: Gauge,
    /// Appends whose future was dropped before it finished.
    appends_cancelled: Counter,
    /// Scans of the whole log.
    scan_runs: Counter,
    /// Scans that returned an error.
    scan_errors: Counter,
    /// How long an append takes, from its first poll. Cancelled ones are not included.
    write: Histogram,
    /// How long it takes to make appends durable.
    sync: Histogram,
    /// How long a scan takes.
    scan: Histogram,
    /// Sizes of the records appended, without framing.
    record_size: Histogram<Sizes>,
}

/// An error of the log.
#[derive(Debug)]
pub(crate) enum LogError {
    /// The record is longer than `MAX_PAYLOAD_LEN`. The value is the length of the record in bytes.
    TooLong(usize),
    Io(io::Error),
}

impl From<io::Error> for LogError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(len) => {
                write!(f, "record of {len} bytes; at most {MAX_PAYLOAD_LEN} are allowed")
            }
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LogError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::TooLong(_) => None,
            Self::Io(error) => Some(error),
        }
    }
}

/// An append-only log of records in a file.
#[derive(Debug)]
pub(crate) struct AsyncLog {
    file: Mutex<File>,
    metrics: LogMetrics,
}

impl Metered for AsyncLog {
    fn metrics(&self) -> Option<&dyn Metrics> {
        Some(&self.metrics)
    }
}

impl AsyncLog {
    /// Opens the log, and creates it if it does not exist.
    pub(crate) async fn open(path: &Path) -> Result<Self, LogError> {
        let file = OpenOptions::new().append(true).create(true).open(path).await?;
        Ok(Self { file: Mutex::new(file), metrics: LogMetrics::default() })
    }

    /// Appends one record atomically, even if the future is dropped early: `tokio::fs::File` copies the frame and writes the
    /// copy on another thread. After a cancelled append, the record may or may not be in the log.
    #[metrics(
        errors,
        ok = records_written,
        calls = appends,
        in_flight = appends_in_flight,
        cancelled = appends_cancelled,
        time = write
    )]
    pub(crate) async fn append(&self, payload: &[u8]) -> Result<(), LogError> {
        let len = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= MAX_PAYLOAD_LEN);
        let Some(len) = len else { return Err(LogError::TooLong(payload.len())) };
        let mut frame = Vec::with_capacity(4 + payload.len());
        frame.extend(len.to_le_bytes());
        frame.extend(payload);
        let mut file = self.file.lock().await;
        file.write_all(&frame).await?;
        file.flush().await?;
        self.metrics.bytes_written.add(len.into());
        self.metrics.record_size.record(len.into());
        Ok(())
    }

    /// Makes appended records durable.
    #[metrics(errors, time = sync)]
    pub(crate) async fn sync(&self) -> Result<(), LogError> {
        Ok(self.file.lock().await.sync_data().await?)
    }

    /// Reads the whole log and returns the number of records.
    #[metrics(calls = scan_runs, errors = scan_errors, time = scan)]
    pub(crate) async fn scan(&self, path: &Path) -> Result<u64, LogError> {
        // Holding the lock of the file excludes writers during the scan.
        let _file = self.file.lock().await;
        let file = File::open(path).await?;
        // Limits the scan to the current length of the file, because a device file may be endless.
        let len = file.metadata().await?.len();
        let mut reader = BufReader::new(file.take(len));
        let mut records = 0;
        loop {
            let len = match reader.read_u32_le().await {
                Ok(len) => len as usize,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(records),
                Err(error) => return Err(error.into()),
            };
            let mut payload = vec![0; len];
            reader.read_exact(&mut payload).await?;
            records += 1;
        }
    }
}
