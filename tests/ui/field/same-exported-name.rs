// Expected: one error, on the second field: both fields would be exported as `writes_total`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    writes: Counter,
    writes_total: Counter,
}

fn main() {}
