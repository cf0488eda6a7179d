// Expected: one error, on the whole type.

use papyra_metrics::Metrics;

#[derive(Metrics)]
struct LogMetrics {
    writes: std::sync::Mutex<u64>,
}

fn main() {}
