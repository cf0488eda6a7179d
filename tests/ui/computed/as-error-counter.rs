// Expected: one error, on `errors`.

use papyra_metrics::Metrics;

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(counter = Vec::len, errors)]
    failed: Vec<u8>,
}

fn main() {}
