// Expected: one error, on `prefix`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(prefix)]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
