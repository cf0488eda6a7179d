// Expected: one error, on the key: what the field is meant to be is not known.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(skp)]
    path: String,
    reads: Counter,
}

fn main() {}
