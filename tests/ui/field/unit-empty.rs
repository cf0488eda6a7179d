// Expected: one error, on the empty string.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(unit = "")]
    writes: Counter,
}

fn main() {}
