// Expected: one error, on the type.

use papyra_metrics::{Gauge, Metrics};

type Level = Gauge;

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    failing: Level,
}

fn main() {}
