// Expected: no error. The struct of `duplicate-in-a-generic-struct.rs` compiles if its names do not collide.

use papyra_metrics::{Counter, Metrics};

#[derive(Default, Metrics)]
struct LogMetrics<T> {
    hits: Counter,
    #[metrics(flatten, prefix = "cache_")]
    cache: T,
}

#[derive(Default, Metrics)]
struct CacheMetrics {
    hits: Counter,
}

fn main() {
    assert_eq!(LogMetrics::<CacheMetrics>::default().snapshot()["cache_hits"], 0);
}
