// It shows where the struct is first used, with the caret on the flattened field.

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
