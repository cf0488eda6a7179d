// Expected: one error, on the value.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(labels = "op")]
    gets: Counter,
}

fn main() {}
