// Expected: one error, on the family, with a note at the first use of the struct: the label of the type argument is `op`.

use papyra_metrics::{Counter, Family, Label, Metrics};

#[derive(Clone, Copy, Label)]
enum Op {
    Get,
}

#[derive(Metrics)]
struct StoreMetrics<L: Label> {
    #[metrics(labels(op = "all"))]
    requests: Family<L, Counter>,
}

fn main() {
    StoreMetrics::<Op> { requests: Family::new() }.reset();
}
