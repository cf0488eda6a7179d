// Expected: one error on the key.
use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(objective(within = "100ms", of = 99.9))]
    appends: Counter,
}

fn main() {}
