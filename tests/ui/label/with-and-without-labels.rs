// Expected: one error, on the second field: the first field has the same metric name, but no labels.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    requests: Counter,
    #[metrics(name = "requests", labels(op = "get"))]
    gets: Counter,
}

fn main() {}
