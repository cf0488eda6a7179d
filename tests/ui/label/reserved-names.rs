// Expected: six errors, one on each reserved name.

use papyra_metrics::{Counter, Label, Metrics};

#[derive(Clone, Copy, Label)]
enum Job {
    Flush,
}

#[derive(Clone, Copy, Label)]
#[metrics(label = "__op")]
enum Op {
    Get,
}

#[derive(Metrics)]
struct Inner {
    reads: Counter,
}

#[derive(Metrics)]
#[metrics(labels(instance = "a"))]
struct LogMetrics {
    #[metrics(labels(quantile = "p99"))]
    writes: Counter,
    #[metrics(flatten, labels(le = "1", __name__ = "reads"))]
    inner: Inner,
}

fn main() {}
