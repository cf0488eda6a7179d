//! Applications that export the metrics of their backends. The command
//! `cargo run -p papyra-metrics-export-examples --example NAME` runs an application:
//!
//! - `prometheus_endpoint` runs an HTTP server for Prometheus to scrape.
//! - `prometheus_axum` serves the metrics from a route of an axum application.
//! - `opentelemetry` uses the OpenTelemetry SDK, which prints the messages that it would send.
//! - `otlp` sends to an OpenTelemetry collector, without the SDK.
//! - `statsd` sends to a StatsD daemon.
//! - `engine_metrics` declares the metrics of a whole LSM engine.
//!
//! This library is the backend that the first five examples share.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use papyra_metrics::{Counter, Gauge, Metrics, metrics};

/// The metrics of a log.
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
    /// Records in memory.
    records_held: Gauge,
}

/// A log in memory. When the log contains a thousand records, it discards the older half of them.
#[derive(Debug, Default)]
pub struct Log {
    records: Mutex<Vec<Vec<u8>>>,
    metrics: Arc<LogMetrics>,
}

impl Log {
    /// Returns the log's metrics, to be registered by the application.
    pub fn metrics(&self) -> Arc<LogMetrics> {
        Arc::clone(&self.metrics)
    }

    /// Appends a record.
    ///
    /// # Errors
    ///
    /// Returns `InvalidInput` if the record is empty.
    #[metrics(errors, ok = records_written)]
    pub fn append(&self, record: &[u8]) -> io::Result<()> {
        if record.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "empty record"));
        }
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() == 1000 {
            records.drain(..500);
        }
        records.push(record.to_vec());
        self.metrics.bytes_written.add(record.len() as u64);
        self.metrics.records_held.set(records.len());
        Ok(())
    }
}

/// Opens two logs. A thread for each log writes records until the process ends.
pub fn open_and_write() -> [(&'static str, Arc<Log>); 2] {
    [("orders", 20), ("users", 50)].map(|(name, pause)| {
        let log = Arc::new(Log::default());
        let writer = Arc::clone(&log);
        thread::spawn(move || {
            for n in 0_usize.. {
                // Every tenth record is refused, so that the error counter increases.
                let record = vec![b'x'; if n % 10 == 9 { 0 } else { 100 + n % 7 }];
                let _ = writer.append(&record);
                thread::sleep(Duration::from_millis(pause));
            }
        });
        (name, log)
    })
}

#[cfg(test)]
mod tests {
    use papyra_metrics_export::schema::{self, SchemaError};

    use super::LogMetrics;

    #[test]
    fn the_metrics_are_those_of_the_lock_file() -> Result<(), SchemaError> {
        schema::check::<LogMetrics>("metrics.lock").map(drop)
    }
}
