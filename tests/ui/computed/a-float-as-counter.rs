// Expected: a computed counter is an integer.

use papyra_metrics::Metrics;

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(counter = |ratio| *ratio)]
    ratio: f64,
}

fn main() {}
