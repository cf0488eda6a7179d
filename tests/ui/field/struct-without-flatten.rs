// Expected: one error, on `CacheMetrics`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct CacheMetrics {
    hits: Counter,
}

#[derive(Metrics)]
struct LogMetrics {
    cache: CacheMetrics,
}

fn main() {}
