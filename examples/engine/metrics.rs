//! The declaration of all metrics of the engine. Every component counts in these metrics.

use std::sync::Arc;

pub(crate) use papyra_metrics::metrics;
use papyra_metrics::{
    Counter, Family, FineLatency, Gauge, Histogram, Label, Metrics, Published, ShardedCounter,
    ShardedHistogram, Sizes,
};

/// The metrics, shared by all components. If the engine publishes them, they are in a file that other processes can read.
pub type SharedMetrics = Arc<Published<EngineMetrics>>;

/// An operation on the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Label)]
pub enum Op {
    /// Reads a value.
    Get,
    /// Stores a value.
    Put,
    /// Deletes a key.
    Delete,
    /// Reads a range of keys.
    Scan,
}

/// A level of the tree. Level 0 holds flushed memtables, whose keys overlap. The tables of each further level do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Label)]
pub enum Level {
    /// Level 0, which holds flushed memtables.
    #[metrics(name = "0")]
    L0,
    /// Level 1, the first sorted level.
    #[metrics(name = "1")]
    L1,
    /// Level 2, the second sorted level.
    #[metrics(name = "2")]
    L2,
    /// Level 3, the last level.
    #[metrics(name = "3")]
    L3,
}

/// The kinds of errors that an operator handles differently. `error.rs` converts each error to its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Label)]
pub enum ErrorKind {
    /// The disk is full.
    StorageFull,
    /// Any other I/O error.
    Io,
    /// Stored data are damaged.
    Corrupt,
    /// The store refuses writes, because its stored state is unknown after an earlier error.
    Stopped,
    /// Memory is full, and it cannot be flushed.
    Busy,
    /// The request is not valid.
    Invalid,
}

/// The answer of a bloom filter about a key that the table does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Label)]
pub enum FilterResult {
    /// The table was not read.
    Negative,
    /// The table was read, but it does not have the key.
    FalsePositive,
}

/// The reason why a block is read from its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Label)]
pub enum BlockReader {
    /// A request needs the block, and the cache does not have it.
    Request,
    /// A compaction reads the block, and bypasses the cache.
    Compaction,
}

/// The metrics of the write-ahead log.
#[derive(Debug, Default, Metrics)]
pub struct WalMetrics {
    /// Records written.
    pub records: Counter,
    /// Bytes appended, with framing.
    #[metrics(unit = "bytes")]
    pub written: Counter,
    /// How long a sync takes, which makes all records durable that were written together.
    pub sync: Histogram,
    /// Batches that could not be written.
    pub errors: Family<ErrorKind, Counter>,
    /// Records replayed when the store was opened.
    pub replayed: Counter,
    /// Incomplete frames at the end of a log, discarded when the store was opened: they were never acknowledged.
    pub torn_ends: Counter,
}

/// All metrics of the engine.
#[derive(Debug, Default, Metrics)]
#[metrics(prefix = "engine_")]
pub struct EngineMetrics {
    /// How long an operation takes.
    #[metrics(objective(within = "10ms", of = 99))]
    pub operation: Family<Op, Histogram<FineLatency>>,
    /// Operations that failed.
    pub operation_errors: Family<(Op, ErrorKind), Counter>,
    /// Sizes of the values written.
    pub value_size: ShardedHistogram<Sizes>,
    /// How long writers waited because memory or level 0 was full.
    pub write_stall: Histogram,

    /// The log.
    #[metrics(flatten, prefix = "wal_")]
    pub wal: WalMetrics,

    /// Bytes in memory that wait to be written to level 0.
    #[metrics(unit = "bytes")]
    pub frozen: Gauge,
    /// How long it takes to write a memtable to level 0.
    pub flush: Histogram,
    /// Bytes flushed to level 0.
    #[metrics(unit = "bytes")]
    pub flushed: Counter,
    /// Flushes that failed. They are tried again.
    pub flush_errors: Family<ErrorKind, Counter>,

    /// How long a compaction into a level takes.
    pub compaction: Family<Level, Histogram>,
    /// Bytes written by compactions into a level.
    #[metrics(unit = "bytes")]
    pub compacted: Family<Level, Counter>,
    /// Compactions that failed. They are tried again.
    pub compaction_errors: Family<ErrorKind, Counter>,
    /// Tables in a level.
    pub tables: Family<Level, Gauge>,
    /// Bytes in the tables of a level.
    #[metrics(unit = "bytes")]
    pub level: Family<Level, Gauge>,

    /// Tables without the key of a request, by the answer of their bloom filter.
    pub filter_results: Family<FilterResult, ShardedCounter>,
    /// Blocks that requests found in the cache.
    pub cache_hits: ShardedCounter,
    /// How long it takes to read a block from its file. Each read by a request is a miss of the cache.
    pub block_read: Family<BlockReader, Histogram<FineLatency>>,
    /// Blocks that could not be read, or had a wrong checksum.
    pub block_errors: Family<ErrorKind, Counter>,

    /// Clients that are connected.
    pub connections: Gauge,
    /// Requests of clients that are being served.
    pub requests_in_flight: Gauge,
    /// Connections that ended with an error.
    pub connection_errors: Family<ErrorKind, Counter>,
}
