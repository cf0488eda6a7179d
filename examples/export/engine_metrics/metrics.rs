//! The metrics of the engine and their labels.

use papyra_metrics::{
    Counter, Family, FineLatency, Gauge, Histogram, IoErrorKind, Label, LabelValues, Metrics, Peak,
    Sizes,
};

#[derive(Clone, Copy, Label)]
pub(crate) enum Op {
    Get,
    Put,
    Delete,
    Scan,
}

#[derive(Clone, Copy, Label)]
pub(crate) enum Block {
    Data,
    Index,
    Filter,
}

#[derive(Clone, Copy, Label)]
#[metrics(label = "op")]
pub(crate) enum StoreOp {
    Get,
    Put,
    List,
    Delete,
}

#[derive(Clone, Copy, Label)]
pub(crate) enum Outcome {
    Ok,
    NotFound,
    Throttled,
    Failed,
}

/// A queue of work for the background threads.
#[derive(Clone, Copy, Label)]
pub(crate) enum Queue {
    Flush,
    Compaction,
    Upload,
}

/// The kinds of errors with which requests fail. An `EngineError` is converted to its kind.
#[derive(Clone, Copy, Label)]
pub(crate) enum ErrorKind {
    Io,
    Corrupt,
    Busy,
}

/// A level of the tree.
#[derive(Clone, Copy)]
pub(crate) struct Level(pub(crate) usize);

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

/// The metrics of a cache of blocks. Each metric has a series for each kind of block.
#[derive(Default, Metrics)]
pub(crate) struct CacheMetrics {
    /// Lookups that found the block.
    pub(crate) hits: Family<Block, Counter>,
    /// Lookups that had to read the block.
    pub(crate) misses: Family<Block, Counter>,
    /// Bytes in the cache.
    #[metrics(unit = "bytes")]
    pub(crate) size: Family<Block, Gauge>,
}

/// The metrics of the write-ahead log.
#[derive(Default, Metrics)]
pub(crate) struct WalMetrics {
    /// Records appended.
    pub(crate) records: Counter,
    /// Bytes appended.
    #[metrics(unit = "bytes")]
    pub(crate) appended: Counter,
    /// How long an append takes.
    pub(crate) append: Histogram,
    /// Appends that failed, by the kind of I/O error.
    pub(crate) errors: Family<IoErrorKind, Counter>,
}

/// The metrics of the whole engine.
#[derive(Default, Metrics)]
#[metrics(prefix = "lsm_")]
pub(crate) struct EngineMetrics {
    /// Requests of clients.
    pub(crate) requests: Family<Op, Counter>,
    /// How long a request takes.
    pub(crate) request: Family<Op, Histogram<FineLatency>>,
    /// Requests that failed.
    #[metrics(errors)]
    pub(crate) request_errors: Family<ErrorKind, Counter>,
    /// Requests that are being served.
    pub(crate) requests_in_flight: Gauge,
    /// The longest queue of requests since the last reset.
    pub(crate) longest_queue: Peak,

    #[metrics(flatten, prefix = "wal_")]
    pub(crate) wal: WalMetrics,

    /// Memtables written to level 0.
    pub(crate) flushes: Counter,
    /// How long a flush takes.
    pub(crate) flush: Histogram,
    /// Compactions into a level.
    pub(crate) compactions: Family<Level, Counter>,
    /// How long a compaction into a level takes.
    pub(crate) compaction: Family<Level, Histogram>,
    /// Bytes written by compactions into a level.
    #[metrics(unit = "bytes")]
    pub(crate) compacted: Family<Level, Counter>,
    /// Tables in a level.
    pub(crate) tables: Family<Level, Gauge>,
    /// Tasks that wait for a background thread.
    pub(crate) queued: Family<Queue, Gauge>,
    /// Sizes of the values that clients write.
    pub(crate) value_size: Histogram<Sizes>,

    #[metrics(flatten, prefix = "cache_", labels(cache = "memory"))]
    pub(crate) memory_cache: CacheMetrics,
    #[metrics(flatten, prefix = "cache_", labels(cache = "disk"))]
    pub(crate) disk_cache: CacheMetrics,

    /// Operations on the object store.
    pub(crate) object_store_operations: Family<(StoreOp, Outcome), Counter>,
    /// How long an operation on the object store takes.
    pub(crate) object_store_operation: Family<StoreOp, Histogram>,
}

#[cfg(test)]
mod tests {
    use papyra_metrics_export::schema::{self, SchemaError};

    use super::EngineMetrics;

    #[test]
    fn the_metrics_are_those_of_the_lock_file() -> Result<(), SchemaError> {
        schema::check::<EngineMetrics>("engine_metrics/metrics.lock")?;
        Ok(())
    }
}
