// Expected: one error, on the counter: the family has a member with the same name and labels.

use papyra_metrics::{Counter, Family, Label, Metrics};

#[derive(Clone, Copy, Label)]
enum Op {
    Get,
    Put,
}

#[derive(Metrics)]
struct StoreMetrics {
    requests: Family<Op, Counter>,
    #[metrics(name = "requests", labels(op = "put"))]
    puts: Counter,
}

fn main() {}
