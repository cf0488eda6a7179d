// Expected: one error, on `skip`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(skip)]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
