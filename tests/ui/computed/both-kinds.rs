// Expected: one error, on `gauge`.

use papyra_metrics::Metrics;

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(counter = Vec::len, gauge = Vec::len)]
    queue: Vec<u8>,
}

fn main() {}
