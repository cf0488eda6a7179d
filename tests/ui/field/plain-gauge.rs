// Expected: one error, on `i64`.

use papyra_metrics::Metrics;

#[derive(Metrics)]
struct LogMetrics {
    open: i64,
}

fn main() {}
