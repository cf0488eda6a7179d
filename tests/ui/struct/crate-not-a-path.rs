// Expected: one error, on the string.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(crate = "papyra_metrics")]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
