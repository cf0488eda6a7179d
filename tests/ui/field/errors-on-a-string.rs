// Expected: one error, on `String`, and not one for each missing trait.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    writes: Counter,
    #[metrics(errors)]
    path: String,
}

fn main() {}
