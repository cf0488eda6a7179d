// Expected: one error, on `interval`; the message proposes no key, because no key is similar.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(interval = "1s")]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
