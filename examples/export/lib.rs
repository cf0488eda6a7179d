//! Applications that export the metrics of their backends; each is one command:
//!
//! - `cargo run --example prometheus_endpoint`: an address that Prometheus scrapes.
//! - `cargo run --example prometheus_axum`: the same as a route of an axum application.
//! - `cargo run --example opentelemetry`: into the OpenTelemetry SDK, which prints what it would send.
//! - `cargo run --example statsd`: to a StatsD daemon, there or not.
//!
//! Here is the backend that they share.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use papyra_metrics::{Counter, Gauge, Metrics, metrics};

/// What a log has done since it was opened.
#[derive(Debug, Default, Metrics)]
pub struct LogMetrics {
    /// Records appended.
    records_written: Counter,
    /// Payload bytes appended.
    #[metrics(unit = "bytes")]
    bytes_written: Counter,
    /// Appends that returned an error.
    #[metrics(errors)]
    write_errors: Counter,
    /// Records in memory, not yet compacted away.
    records_held: Gauge,
}

/// A log in memory that holds its last thousand records.
#[derive(Debug, Default)]
pub struct Log {
    records: Mutex<Vec<Vec<u8>>>,
    metrics: Arc<LogMetrics>,
}

impl Log {
    /// The log's metrics, to be registered by the application.
    pub fn metrics(&self) -> Arc<LogMetrics> {
        Arc::clone(&self.metrics)
    }

    /// Appends a record.
    ///
    /// # Errors
    ///
    /// Where the record is empty.
    #[metrics(errors, ok = records_written)]
    pub fn append(&self, record: &[u8]) -> io::Result<()> {
        if record.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a record has bytes"));
        }
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() == 1000 {
            records.drain(..500);
        }
        records.push(record.to_vec());
        self.metrics.bytes_written.add(record.len() as u64);
        self.metrics.records_held.set(records.len().try_into().unwrap_or(i64::MAX));
        Ok(())
    }
}

/// Opens two logs, and has a thread write to each of them for as long as the process lives.
pub fn open_and_write() -> [(&'static str, Arc<Log>); 2] {
    [("orders", 20), ("users", 50)].map(|(name, pause)| {
        let log = Arc::new(Log::default());
        let writer = Arc::clone(&log);
        thread::spawn(move || {
            for n in 0_usize.. {
                // Each tenth record is refused, so that there are errors to see.
                let record = vec![b'x'; if n % 10 == 9 { 0 } else { 100 + n % 7 }];
                let _ = writer.append(&record);
                thread::sleep(Duration::from_millis(pause));
            }
        });
        (name, log)
    })
}
