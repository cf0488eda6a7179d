//! The engine's metrics, declared with the instruments of any crate. Families contain their members directly, as if the engine
//! kept a handle to each member, so that no crate looks up a label. All histograms have the bounds of the engine's
//! histograms.

use papyra_metrics::{Buckets, Family, Member};

use crate::ours::metrics::{BlockReader, ErrorKind, FilterResult, Level, Op};

/// The instruments of a crate.
pub(crate) trait Library {
    type Counter: Member + Default;
    type Gauge: Member + Default;
    /// A histogram with the buckets `Latency`. The next two types are histograms too, named after their buckets.
    type Latency: Member + Default;
    type FineLatency: Member + Default;
    type Sizes: Member + Default;
}

/// The metrics of the store.
#[derive(Default)]
pub(crate) struct EngineMetrics<K: Library> {
    pub(crate) operation: Family<Op, K::FineLatency>,
    pub(crate) operation_errors: Family<(Op, ErrorKind), K::Counter>,
    pub(crate) value_size: K::Sizes,
    pub(crate) write_stall: K::Latency,
    pub(crate) wal: WalMetrics<K>,
    pub(crate) frozen: K::Gauge,
    pub(crate) flush: K::Latency,
    pub(crate) flushed: K::Counter,
    pub(crate) flush_errors: Family<ErrorKind, K::Counter>,
    pub(crate) compaction: Family<Level, K::Latency>,
    pub(crate) compacted: Family<Level, K::Counter>,
    pub(crate) compaction_errors: Family<ErrorKind, K::Counter>,
    pub(crate) tables: Family<Level, K::Gauge>,
    pub(crate) level: Family<Level, K::Gauge>,
    pub(crate) filter_results: Family<FilterResult, K::Counter>,
    pub(crate) cache_hits: K::Counter,
    pub(crate) block_read: Family<BlockReader, K::FineLatency>,
    pub(crate) block_errors: Family<ErrorKind, K::Counter>,
}

#[derive(Default)]
pub(crate) struct WalMetrics<K: Library> {
    pub(crate) records: K::Counter,
    pub(crate) written: K::Counter,
    pub(crate) sync: K::Latency,
    pub(crate) errors: Family<ErrorKind, K::Counter>,
    pub(crate) replayed: K::Counter,
    pub(crate) torn_ends: K::Counter,
}

/// Returns bounds in the form that other crates expect: floats, in seconds for durations.
#[allow(clippy::cast_precision_loss)] // no bound of the engine has more than 53 significant bits
pub(crate) fn bounds<B: Buckets>() -> Vec<f64> {
    let scale = if B::UNIT == Some("seconds") { 1e9 } else { 1.0 };
    B::BOUNDS.iter().map(|&bound| bound as f64 / scale).collect()
}
