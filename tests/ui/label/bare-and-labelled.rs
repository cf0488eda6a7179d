// Expected: one error, at the second field.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    requests: Counter,
    #[metrics(name = "requests", labels(op = "get"))]
    gets: Counter,
}

fn main() {}
