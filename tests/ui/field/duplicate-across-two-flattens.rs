// Expected: one error, on the second flattened field.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct CacheMetrics {
    hits: Counter,
}

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(flatten)]
    read: CacheMetrics,
    #[metrics(flatten)]
    write: CacheMetrics,
}

fn main() {}
