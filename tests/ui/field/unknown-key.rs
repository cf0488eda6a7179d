// Expected: one error, on `buckets`; it proposes no key, because none is similar.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(buckets)]
    writes: Counter,
}

fn main() {}
