//! All metrics of an LSM engine in one declaration: one snapshot, one published file, one registration, one scrape.
//!
//! ```sh
//! cargo run -p papyra-metrics-export-examples --example engine_metrics                 # prints a scrape
//! cargo run -p papyra-metrics-export-examples --example engine_metrics -- lsm.metrics  # and publishes until Ctrl-D
//! papyra-metrics show lsm.metrics                                                      # meanwhile, elsewhere
//! ```

#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use papyra_metrics::publish::Published;
use papyra_metrics::{
    Counter, Family, FineLatency, Gauge, Histogram, IoErrorKind, Label, LabelValues, Metrics, Peak,
    Sizes, metrics,
};
use papyra_metrics_export::Registry;
use papyra_metrics_export::prometheus::Prometheus;

#[derive(Clone, Copy, Label)]
enum Op {
    Get,
    Put,
    Delete,
    Scan,
}

#[derive(Clone, Copy, Label)]
enum Block {
    Data,
    Index,
    Filter,
}

#[derive(Clone, Copy, Label)]
#[metrics(label = "op")]
enum StoreOp {
    Get,
    Put,
    List,
    Delete,
}

#[derive(Clone, Copy, Label)]
enum Outcome {
    Ok,
    NotFound,
    Throttled,
    Failed,
}

/// The kinds of failed requests. Each is made from the error that a request returns.
#[derive(Clone, Copy, Label)]
enum ErrorKind {
    Io,
    Corrupt,
    Busy,
}

/// A level of the tree.
#[derive(Clone, Copy)]
struct Level(usize);

impl Label for Level {
    const LABELS: &'static [LabelValues] =
        &[LabelValues::new("level", &["0", "1", "2", "3", "4", "5", "6"])];
    type Members<T> = [T; 7];

    fn index(self) -> usize {
        self.0
    }

    fn from_index(index: usize) -> Option<Self> {
        (index < 7).then_some(Self(index))
    }
}

/// A cache of blocks: the same metrics for each kind of block.
#[derive(Default, Metrics)]
struct CacheMetrics {
    /// Lookups that found the block.
    hits: Family<Block, Counter>,
    /// Lookups that had to read the block.
    misses: Family<Block, Counter>,
    /// Bytes in the cache.
    #[metrics(unit = "bytes")]
    size: Family<Block, Gauge>,
}

#[derive(Default, Metrics)]
struct WalMetrics {
    /// Records appended.
    records: Counter,
    /// Bytes appended.
    #[metrics(unit = "bytes")]
    appended: Counter,
    /// How long an append takes.
    append: Histogram,
    /// Appends that failed, by the kind of I/O error.
    errors: Family<IoErrorKind, Counter>,
}

/// The whole engine.
#[derive(Default, Metrics)]
#[metrics(prefix = "lsm_")]
struct EngineMetrics {
    /// Requests of clients.
    requests: Family<Op, Counter>,
    /// How long a request takes.
    request: Family<Op, Histogram<FineLatency>>,
    /// Requests that failed.
    #[metrics(errors)]
    request_errors: Family<ErrorKind, Counter>,
    /// Requests that are being served.
    requests_in_flight: Gauge,
    /// The longest queue of requests since the last reset.
    longest_queue: Peak,

    #[metrics(flatten, prefix = "wal_")]
    wal: WalMetrics,

    /// Memtables written to level 0.
    flushes: Counter,
    /// How long a flush takes.
    flush: Histogram,
    /// Compactions into a level.
    compactions: Family<Level, Counter>,
    /// How long a compaction into a level takes.
    compaction: Family<Level, Histogram>,
    /// Bytes written by compactions into a level.
    #[metrics(unit = "bytes")]
    compacted: Family<Level, Counter>,
    /// Tables in a level.
    tables: Family<Level, Gauge>,
    /// Sizes of the values that clients write.
    value_size: Histogram<Sizes>,

    #[metrics(flatten, prefix = "cache_", labels(cache = "memory"))]
    memory_cache: CacheMetrics,
    #[metrics(flatten, prefix = "cache_", labels(cache = "disk"))]
    disk_cache: CacheMetrics,

    /// Operations on the object store.
    object_store_operations: Family<(StoreOp, Outcome), Counter>,
    /// How long an operation on the object store takes.
    object_store_operation: Family<StoreOp, Histogram>,
}

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

/// An engine without a tree: it does nothing but count.
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
    let path = std::env::args_os().nth(1);
    let metrics = match &path {
        Some(path) => Published::create(path)?,
        None => Published::private(),
    };
    let engine = Engine { metrics: Arc::new(metrics) };
    let registry = Registry::new();
    registry.register(engine.metrics.clone(), &[("db", "orders")])?;

    for key in 0..1000 {
        let _ = engine.get(key); // some of them fail
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
