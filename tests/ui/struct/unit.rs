// Expected: one error, on the name of the struct.

use papyra_metrics::Metrics;

#[derive(Metrics)]
struct LogMetrics;


fn main() {}
