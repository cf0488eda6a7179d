// Expected: one error, on the second key.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(errors name = "w")]
    writes: Counter,
}

fn main() {}
