// Expected: one error: a computed value cannot be in shared memory.

use papyra_metrics::publish::Published;
use papyra_metrics::Metrics;

#[derive(Default, Metrics)]
struct LogMetrics {
    #[metrics(gauge = Vec::len)]
    queue: Vec<u8>,
}

fn main() {
    let _ = Published::<LogMetrics>::create("log.metrics");
}
