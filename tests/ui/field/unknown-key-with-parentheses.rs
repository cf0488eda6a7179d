// Expected: one error, on the key.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(buckets(1, 2), name = "records_written")]
    writes: Counter,
}

fn main() {}
