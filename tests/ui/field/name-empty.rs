// Expected: one error, on the empty string.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(name = "")]
    writes: Counter,
}

fn main() {}
