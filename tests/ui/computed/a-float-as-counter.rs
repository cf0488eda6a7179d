// Expected: one error: a computed counter must be an integer.

use papyra_metrics::Metrics;

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(counter = |ratio| *ratio)]
    ratio: f64,
}

fn main() {}
