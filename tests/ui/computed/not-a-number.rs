// Expected: one error: a computed gauge must be a number.

use papyra_metrics::Metrics;

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(gauge = |path| path.clone())]
    path: String,
}

fn main() {}
