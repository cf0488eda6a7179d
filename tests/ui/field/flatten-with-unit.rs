// Expected: one error, on `unit`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct CacheMetrics {
    hits: Counter,
}

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(flatten, unit = "bytes")]
    cache: CacheMetrics,
}

fn main() {}
