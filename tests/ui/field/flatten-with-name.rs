// Expected: one error, on `name`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct CacheMetrics {
    hits: Counter,
}

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(flatten, name = "cache")]
    cache: CacheMetrics,
}

fn main() {}
