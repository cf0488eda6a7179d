// Expected: two errors, one on each path: the module has only the derive, and generated code needs the rest of the crate.

use papyra_metrics::{Counter, Gauge};

mod facade {
    pub use papyra_metrics::Metrics;
}

#[derive(facade::Metrics)]
#[metrics(crate = facade)]
struct LogMetrics {
    #[metrics(errors)]
    write_errors: Counter,
    open_segments: Gauge,
}

#[derive(facade::Metrics)]
#[metrics(crate = crate::facade, storage = CacheMetrics)]
struct CacheCounts {
    hits: u64,
}

fn main() {}
