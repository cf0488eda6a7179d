// The same struct without a collision compiles.

use papyra_metrics::{Counter, Metrics};

#[derive(Default, Metrics)]
struct LogMetrics<T> {
    hits: Counter,
    #[metrics(flatten, prefix = "cache_")]
    cache: T,
}

#[derive(Default, Metrics)]
struct CacheMetrics {
    hits: Counter,
}

fn main() {
    assert_eq!(LogMetrics::<CacheMetrics>::default().snapshot()["cache_hits"], 0);
}
