// The caret is on `buckets`, and no key is similar.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(buckets)]
    writes: Counter,
}

fn main() {}
