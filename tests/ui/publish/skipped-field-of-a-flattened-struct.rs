// Expected: one error, whose notes point to the skipped field and name the structs that contain the field.

use papyra_metrics::{Counter, Metrics, publish::Published};

#[derive(Default, Metrics)]
struct CacheMetrics<I: Default> {
    hits: Counter,
    #[metrics(skip)]
    name: I,
}

#[derive(Default, Metrics)]
struct LogMetrics {
    #[metrics(flatten, prefix = "cache_")]
    cache: CacheMetrics<String>,
}

fn main() {
    let _ = Published::<LogMetrics>::create("log.metrics");
}
