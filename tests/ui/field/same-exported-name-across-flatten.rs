// Expected: one error, on `cache`: the counter `cache.hits` would also be exported as `hits_total`.

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
