// Expected: one error on the threshold, because only the compiler knows the type.
use papyra_metrics::{Gauge, Metrics};

type Depth = Gauge;

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(objective(within = "100ms", of = 99.9))]
    depth: Depth,
}

fn main() {}
