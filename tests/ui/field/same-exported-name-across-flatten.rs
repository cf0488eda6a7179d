// Expected: one error, on `cache`: its `hits` would be exported as `hits_total` too.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct CacheMetrics {
    hits: Counter,
}

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(flatten)]
    cache: CacheMetrics,
    hits_total: Counter,
}

fn main() {}
