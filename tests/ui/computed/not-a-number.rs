// Expected: a computed gauge is a number.

use papyra_metrics::Metrics;

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(gauge = |path| path.clone())]
    path: String,
}

fn main() {}
