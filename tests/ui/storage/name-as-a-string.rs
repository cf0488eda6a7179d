// Expected: one error, on the string.

use papyra_metrics::Metrics;

#[derive(Metrics)]
#[metrics(storage = "Storage")]
struct LogMetrics {
    writes: u64,
}


fn main() {}
