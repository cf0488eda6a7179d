// Expected: one error, on the flattened field.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct CacheMetrics {
    hits: Counter,
}

#[derive(Metrics)]
struct LogMetrics {
    cache_hits: Counter,
    #[metrics(flatten, prefix = "cache_")]
    cache: CacheMetrics,
}

fn main() {}
