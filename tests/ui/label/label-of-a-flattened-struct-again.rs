// Expected: one error, on the flattened field, whose family `requests` already has a label `op`.

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
