// Expected: one error, on the number.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(name = 7)]
    writes: Counter,
}

fn main() {}
