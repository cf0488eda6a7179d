// Expected: one error, on the alias.

use papyra_metrics::Metrics;

type Count = u64;

#[derive(Metrics)]
struct LogMetrics {
    writes: Count,
}


fn main() {}
