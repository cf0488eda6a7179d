// Expected: one error on `objective`.
use papyra_metrics::{Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(gauge = |queue| queue.len(), objective(within = "100ms", of = 99.9))]
    queue: Vec<u8>,
}

fn main() {}
