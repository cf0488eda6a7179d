// Expected: one error, on the second field: the first has no labels.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    requests: Counter,
    #[metrics(name = "requests", labels(op = "get"))]
    gets: Counter,
}

fn main() {}
