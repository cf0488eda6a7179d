// Expected: one error, on `u64`.

use papyra_metrics::Metrics;

#[derive(Metrics)]
struct LogMetrics {
    writes: u64,
}


fn main() {}
