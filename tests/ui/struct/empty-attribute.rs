// Expected: one error, on the attribute.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics()]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
