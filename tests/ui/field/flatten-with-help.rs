// Expected: one error, on `help`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct CacheMetrics {
    hits: Counter,
}

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(flatten, help = "Cache.")]
    cache: CacheMetrics,
}

fn main() {}
