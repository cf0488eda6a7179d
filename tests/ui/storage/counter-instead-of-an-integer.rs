// Expected: one error, on `Counter`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(storage = LogMetrics)]
struct LogCounts {
    writes: Counter,
}

fn main() {}
