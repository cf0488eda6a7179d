// Expected: one error, on `errors`.

use papyra_metrics::{Gauge, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    failing: Gauge,
}

fn main() {}
