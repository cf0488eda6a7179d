// Expected: one error, on `interval`; it proposes no key, because none is similar.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(interval = "1s")]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
