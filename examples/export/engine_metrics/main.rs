//! Declares all metrics of an LSM engine in one struct, so that one snapshot, one published file, one registration and one
//! scrape contain them all.
//!
//! ```sh
//! cargo run -p papyra-metrics-export-examples --example engine_metrics                 # prints a scrape
//! cargo run -p papyra-metrics-export-examples --example engine_metrics -- lsm.metrics  # also publishes until Ctrl-D
//! papyra-metrics show lsm.metrics                                                      # in another terminal
//!
//! # Simulates load and serves scrapes until Ctrl-D. The dashboard is generated from the lock file.
//! cargo run -p papyra-metrics-export-examples --example engine_metrics -- lsm.metrics 127.0.0.1:9184
//! papyra-metrics dashboard --label db examples/export/engine_metrics/metrics.lock > dashboard.json
//! ```

#![forbid(unsafe_code)]

mod load;
mod metrics;

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use papyra_metrics::publish::Published;
use papyra_metrics::{Metrics, metrics};
use papyra_metrics_export::Registry;
use papyra_metrics_export::prometheus::{Prometheus, serve};

use crate::metrics::{Block, EngineMetrics, ErrorKind, Level, Op, Outcome, StoreOp};

#[derive(Debug)]
enum EngineError {
    Io(io::Error),
    Corrupt { block: u64 },
    Busy,
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "reading a table: {error}"),
            Self::Corrupt { block } => write!(f, "block {block} has a wrong checksum"),
            Self::Busy => f.write_str("too many requests"),
        }
    }
}

impl Error for EngineError {}

impl From<&EngineError> for ErrorKind {
    fn from(error: &EngineError) -> Self {
        match error {
            EngineError::Io(_) => Self::Io,
            EngineError::Corrupt { .. } => Self::Corrupt,
            EngineError::Busy => Self::Busy,
        }
    }
}

/// An engine that stores nothing and only counts.
struct Engine {
    metrics: Arc<Published<EngineMetrics>>,
}

impl Engine {
    #[metrics(
        errors,
        calls = requests[Op::Get],
        time = request[Op::Get],
        in_flight = requests_in_flight
    )]
    fn get(&self, key: u64) -> Result<u64, EngineError> {
        match key % 50 {
            13 => Err(EngineError::Corrupt { block: key }),
            31 => Err(EngineError::Busy),
            37 => Err(EngineError::Io(io::ErrorKind::TimedOut.into())),
            _ => {
                self.metrics.memory_cache.hits[Block::Data].inc();
                Ok(key)
            }
        }
    }

    #[metrics(errors, calls = requests[Op::Put], time = request[Op::Put])]
    fn put(&self, value: &[u8]) -> Result<(), EngineError> {
        self.metrics.value_size.record(value.len() as u64);
        self.append(value).map_err(EngineError::Io)
    }

    #[metrics(errors = wal.errors, ok = wal.records, time = wal.append)]
    fn append(&self, value: &[u8]) -> io::Result<()> {
        if value.len() > 4096 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.metrics.wal.appended.add(value.len() as u64);
        Ok(())
    }

    fn compact(&self, level: Level) {
        self.metrics.compactions[level].inc();
        self.metrics.compacted[level].add(64 << 20);
        self.metrics.compaction[level].record(Duration::from_millis(900));
        self.metrics.tables[level].add(1);
        self.metrics.object_store_operations[(StoreOp::Put, Outcome::Ok)].inc();
        self.metrics.object_store_operation[StoreOp::Put].record(Duration::from_millis(40));
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let path = arguments.next();
    let address = arguments.next();
    let metrics = match &path {
        Some(path) => Published::create(path)?,
        None => Published::private(),
    };
    let engine = Engine { metrics: Arc::new(metrics) };
    let registry = Registry::new();
    registry.register(engine.metrics.clone(), &[("db", "orders")])?;

    if let Some(address) = address.as_ref().and_then(|address| address.to_str()) {
        let server = serve(Prometheus::new(&registry), address)?;
        println!("serving on http://{}/metrics until standard input ends", server.local_addr());
        load::run_until(&engine, || io::copy(&mut io::stdin(), &mut io::sink()));
        return Ok(());
    }

    for key in 0..1000 {
        let _ = engine.get(key); // some of the reads fail
        let _ = engine.put(&vec![0; usize::try_from(key)? * 5]);
    }
    (0..7).for_each(|level| engine.compact(Level(level)));

    let snapshot = engine.metrics.snapshot();
    eprintln!("{} series in one struct", snapshot.len());
    eprintln!("corrupt blocks: {}", snapshot["lsm_request_errors{error_kind=corrupt}"]);
    eprintln!("full disks: {}", snapshot["lsm_wal_errors{error_kind=storage_full}"]);
    eprintln!("gets: {}", snapshot["lsm_request{op=get}"]);
    if let Some(path) = &path {
        eprintln!(
            "published in {} until standard input ends",
            std::path::Path::new(path).display()
        );
    }
    print!("{}", Prometheus::new(&registry).scrape(None).body);
    if path.is_some() {
        io::copy(&mut io::stdin(), &mut io::sink())?;
    }
    Ok(())
}
