// Expected: one error, on the flattened field: its family has a label `op` already.

use papyra_metrics::{Counter, Family, Label, Metrics};

#[derive(Clone, Copy, Label)]
enum Op {
    Get,
}

#[derive(Metrics)]
struct Inner {
    requests: Family<Op, Counter>,
}

#[derive(Metrics)]
struct Outer {
    #[metrics(flatten, labels(op = "get"))]
    inner: Inner,
}

fn main() {}
