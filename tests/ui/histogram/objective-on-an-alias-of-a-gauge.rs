// Expected: one error on the threshold. The macro sees only the alias, so the error comes from the evaluation of a constant.
use papyra_metrics::{Gauge, Metrics};

type Depth = Gauge;

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(objective(within = "100ms", of = 99.9))]
    depth: Depth,
}

fn main() {}
