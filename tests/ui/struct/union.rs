// Expected: one error, on `union`.

use papyra_metrics::Metrics;

#[derive(Metrics)]
union LogMetrics {
    writes: u64,
}


fn main() {}
