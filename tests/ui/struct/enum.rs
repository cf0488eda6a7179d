// Expected: one error, on `enum`.

use papyra_metrics::Metrics;

#[derive(Metrics)]
enum LogMetrics {
    Writes,
}


fn main() {}
