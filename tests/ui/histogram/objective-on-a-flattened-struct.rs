// Expected: one error on `objective`.
use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct CacheMetrics {
    hits: Counter,
}

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(flatten, objective(within = "100ms", of = 99.9))]
    cache: CacheMetrics,
}

fn main() {}
