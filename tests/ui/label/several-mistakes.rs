// Expected: three errors: on a label that the struct also has, on a reserved label name, and on an invalid value.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(labels(op = "get"))]
struct LogMetrics {
    #[metrics(labels(op = "put"))]
    errors: Counter,
    #[metrics(labels(job = "flush"))]
    flushes: Counter,
    #[metrics(labels(tier = "Hot"))]
    reads: Counter,
}

fn main() {}
