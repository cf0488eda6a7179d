// Expected: one error, on `flaten`, which proposes the nearest key.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(flaten)]
    writes: Counter,
}

fn main() {}
