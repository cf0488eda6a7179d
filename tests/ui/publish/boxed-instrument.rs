// Expected: one error, which names the `Box`: the pointer of a `Box` would be invalid in another process.

use papyra_metrics::{Counter, Metrics, publish::Published};

#[derive(Default, Metrics)]
struct LogMetrics {
    writes: Box<Counter>,
}

fn main() {
    let _ = Published::<LogMetrics>::create_or_private("log.metrics");
}
