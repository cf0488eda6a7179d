//! Metrics that are computed when they are read.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use papyra_metrics::{Counter, Descriptor, Gauge, GaugeInteger, Kind, Metrics};

/// An embedded database that keeps its own statistics.
struct Database {
    compactions: u32,
}

fn compactions(database: &Database) -> u32 {
    database.compactions
}

#[derive(Metrics)]
#[metrics(prefix = "store_")]
struct StoreMetrics<T> {
    writes: Counter,
    /// Records that wait to be written.
    #[metrics(gauge = |queue| queue.lock().map_or(0, |queue| queue.len()))]
    queue: Mutex<VecDeque<T>>,
    #[metrics(gauge = |slots| slots.load(Ordering::Relaxed), unit = "slots", labels(tier = "hot"))]
    in_use: AtomicUsize,
    #[metrics(counter = compactions, name = "compactions")]
    database: Database,
    #[metrics(gauge = |ratio| *ratio)]
    ratio: f32,
    #[metrics(gauge = |()| -1_i8)]
    level: (),
    #[metrics(counter = |negative| *negative)]
    negative: i64,
    #[metrics(gauge = |large| *large)]
    large: u64,
    open: Gauge,
}

#[test]
fn a_field_of_any_type_becomes_a_metric_by_a_path_or_a_closure() {
    let metrics = StoreMetrics {
        writes: Counter::new(),
        queue: Mutex::new(VecDeque::from(["a", "b"])),
        in_use: AtomicUsize::new(3),
        database: Database { compactions: 7 },
        ratio: 0.5,
        level: (),
        negative: -1,
        large: u64::MAX,
        open: Gauge::new(),
    };
    metrics.writes.inc();
    let expected = "store_writes: 1\nstore_queue: 2\nstore_in_use{tier=hot}: 3\n\
                    store_compactions: 7\nstore_ratio: 0.5\nstore_level: -1\n\
                    store_negative: 0\nstore_large: 9223372036854775807\nstore_open: 0";
    assert_eq!(metrics.snapshot().to_string(), expected);
    let kinds: Vec<_> = metrics.descriptors()[1..4].iter().map(Descriptor::kind).collect();
    assert_eq!(kinds, [Kind::Gauge, Kind::Gauge, Kind::Counter]);
    assert_eq!(metrics.descriptors()[1].help(), "Records that wait to be written.");
    assert_eq!(metrics.descriptors()[2].unit(), Some("slots"));
    // A reset does not change a computed counter.
    metrics.reset();
    assert_eq!(metrics.drain()["store_compactions"], 7);
    assert_eq!(metrics.snapshot()["store_compactions"], 7);
    metrics.queue.lock().unwrap().pop_front();
    metrics.in_use.store(0, Ordering::Relaxed);
    assert_eq!(metrics.totals()["store_queue"], 1);
    assert_eq!(metrics.totals()["store_in_use{tier=hot}"], 0);
}

/// A user-defined integer type that a gauge accepts.
#[derive(Clone, Copy)]
struct Bytes(u32);

impl GaugeInteger for Bytes {
    fn into_gauge(self) -> i64 {
        self.0.into()
    }
}

#[test]
fn a_computed_gauge_takes_every_integer_type_that_a_gauge_takes() {
    #[derive(Metrics)]
    struct BufferMetrics {
        #[metrics(gauge = |used| *used)]
        used: Bytes,
    }
    let metrics = BufferMetrics { used: Bytes(4096) };
    assert_eq!(metrics.snapshot()["used"], 4096);
}

struct Cache {
    hits: AtomicUsize,
    entries: Vec<u8>,
}

/// Metrics of a cache that other code updates.
#[derive(Metrics)]
struct CacheMetrics {
    lookups: Counter,
    /// Lookups that found an entry.
    #[metrics(counter = |cache| cache.hits.load(Ordering::Relaxed), name = "hits")]
    /// Entries.
    ///
    /// In memory.
    #[metrics(gauge = |cache| cache.entries.len(), labels(of = "used"), unit = "entries")]
    #[metrics(gauge = |cache| cache.entries.capacity(), labels(of = "room"), unit = "entries", help = "Room for entries.")]
    cache: Arc<Cache>,
    misses: Counter,
}

#[test]
fn one_field_can_be_several_metrics() {
    let cache = Arc::new(Cache { hits: AtomicUsize::new(3), entries: Vec::with_capacity(8) });
    let metrics = CacheMetrics { lookups: Counter::new(), cache, misses: Counter::new() };
    metrics.misses.inc();
    let expected = "lookups: 0\nhits: 3\ncache{of=used}: 0\ncache{of=room}: 8\nmisses: 1";
    assert_eq!(metrics.snapshot().to_string(), expected);
    let help: Vec<_> = metrics.descriptors()[1..4].iter().map(Descriptor::help).collect();
    assert_eq!(help, ["Lookups that found an entry.", "Entries.", "Room for entries."]);
}
