// Expected: one error, on the flattened field, with a note at the first use of the struct.

use papyra_metrics::{Counter, Metrics};

#[derive(Default, Metrics)]
struct LogMetrics<T> {
    hits: Counter,
    #[metrics(flatten)]
    cache: T,
}

#[derive(Default, Metrics)]
struct CacheMetrics {
    hits: Counter,
}

fn main() {
    LogMetrics::<CacheMetrics>::default().reset();
}
