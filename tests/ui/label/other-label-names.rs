// Expected: one error, at the flattened field, whose metric `requests` has another label than the family `requests`.

use papyra_metrics::{Counter, Family, Label, Metrics};

#[derive(Clone, Copy, Label)]
enum Op {
    Get,
    Put,
}

#[derive(Metrics)]
struct Inner {
    #[metrics(labels(tier = "hot"))]
    requests: Counter,
}

#[derive(Metrics)]
struct Outer {
    requests: Family<Op, Counter>,
    #[metrics(flatten)]
    inner: Inner,
}

fn main() {}
