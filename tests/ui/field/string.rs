// Expected: one error, on `String`.

use papyra_metrics::Metrics;

#[derive(Metrics)]
struct LogMetrics {
    path: String,
}

fn main() {}
