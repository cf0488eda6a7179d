// Expected: one error, on the string.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(unit = "By")]
    bytes: Counter,
}

fn main() {}
