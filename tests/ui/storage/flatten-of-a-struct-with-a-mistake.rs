// Expected: one error, at `unti`, in the flattened struct.

use papyra_metrics::Metrics;

#[derive(Clone, Debug, Default, PartialEq, Metrics)]
#[metrics(storage = CacheMetrics)]
struct CacheCounts {
    #[metrics(unti = "bytes")]
    hits: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Metrics)]
#[metrics(storage = LogMetrics)]
struct LogCounts {
    #[metrics(flatten)]
    cache: CacheCounts,
}

fn main() {
    let metrics = LogMetrics::default();
    println!("{:?} {:?}", metrics.read(), metrics);
}
