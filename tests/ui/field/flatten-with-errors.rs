// Expected: one error, on `errors`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct CacheMetrics {
    hits: Counter,
}

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(flatten, errors)]
    cache: CacheMetrics,
}

fn main() {}
