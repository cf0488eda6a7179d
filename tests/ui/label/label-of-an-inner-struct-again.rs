// Expected: one error, on the flattened field: a metric two levels below has the label of the struct.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(labels(component = "block"))]
struct Inner {
    reads: Counter,
}

#[derive(Metrics)]
struct Middle {
    #[metrics(flatten, labels(tier = "hot"))]
    inner: Inner,
}

#[derive(Metrics)]
#[metrics(labels(component = "wal"))]
struct Outer {
    #[metrics(flatten, prefix = "cache_")]
    middle: Middle,
}

fn main() {}
