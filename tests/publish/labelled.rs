//! Metrics with all forms of labels. The tests of published files and the tests of the command share these metrics.

use papyra_metrics::{Counter, Family, Histogram, Label, Metrics, ShardedCounter};

#[derive(Clone, Copy, Debug, Label)]
pub(crate) enum Op {
    Get,
    Put,
}

#[derive(Clone, Copy, Debug, Label)]
pub(crate) enum Outcome {
    Ok,
    NotFound,
}

#[derive(Debug, Default, Metrics)]
pub(crate) struct StoreMetrics {
    /// Requests by operation and outcome.
    pub(crate) requests: Family<(Op, Outcome), Counter>,
    #[metrics(flatten, labels(component = "wal"))]
    pub(crate) wal: FileMetrics,
    /// How long a request takes.
    pub(crate) latency: Family<Op, Histogram>,
    pub(crate) hits: Family<Op, ShardedCounter>,
    #[metrics(flatten, labels(component = "data"))]
    pub(crate) data: FileMetrics,
    #[metrics(name = "lookups", labels(path = "slow"))]
    pub(crate) slow_lookups: Counter,
}

#[derive(Debug, Default, Metrics)]
pub(crate) struct FileMetrics {
    /// Syncs of the file.
    pub(crate) syncs: Counter,
    #[metrics(unit = "bytes")]
    pub(crate) written: Counter,
}
