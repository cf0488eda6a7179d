// Expected: one error, with a note at the call of `create`.

use papyra_metrics::{Counter, Metrics, publish::Published};

#[derive(Default, Metrics)]
#[repr(align(8192))]
struct LogMetrics {
    writes: Counter,
}

fn main() {
    Published::<LogMetrics>::create("log.metrics").unwrap();
}
