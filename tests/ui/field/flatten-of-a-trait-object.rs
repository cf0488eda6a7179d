// Expected: one error, on the type.

use papyra_metrics::Metrics;

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(flatten)]
    cache: Box<dyn Metrics>,
}


fn main() {}
