// Expected: one error, on the label of the flattened field, which the struct has too.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct Inner {
    reads: Counter,
}

#[derive(Metrics)]
#[metrics(labels(component = "wal"))]
struct Outer {
    #[metrics(flatten, labels(component = "log"))]
    inner: Inner,
}

fn main() {}
