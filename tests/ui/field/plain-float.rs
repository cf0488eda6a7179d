// Expected: one error, on `f64`.

use papyra_metrics::Metrics;

#[derive(Metrics)]
struct LogMetrics {
    ratio: f64,
}

fn main() {}
