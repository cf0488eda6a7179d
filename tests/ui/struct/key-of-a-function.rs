// Expected: one error, on `in_flight`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(in_flight = writes)]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
