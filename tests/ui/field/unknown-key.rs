// Expected: one error, on `buckets`; the message proposes no key, because no key is similar.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(buckets)]
    writes: Counter,
}

fn main() {}
