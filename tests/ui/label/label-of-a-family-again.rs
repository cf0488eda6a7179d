// Expected: one error, on the family, which already has a label `op`.

use papyra_metrics::{Counter, Family, Label, Metrics};

#[derive(Clone, Copy, Label)]
enum Op {
    Get,
}

#[derive(Metrics)]
struct Outer {
    #[metrics(labels(op = "get"))]
    requests: Family<Op, Counter>,
}

fn main() {}
