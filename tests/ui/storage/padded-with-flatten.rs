// Expected: one error, on `padded`.

use papyra_metrics::Metrics;

#[derive(Metrics)]
#[metrics(storage = CacheMetrics)]
struct CacheCounts {
    hits: u64,
}

#[derive(Metrics)]
#[metrics(storage = LogMetrics)]
struct LogCounts {
    #[metrics(flatten, padded)]
    cache: CacheCounts,
}


fn main() {}
