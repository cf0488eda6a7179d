// Expected: one error, at the gauge, which has the name under which the family is exported.

use papyra_metrics::{Counter, Family, Gauge, Label, Metrics};

#[derive(Clone, Copy, Label)]
enum Op {
    Get,
    Put,
}

#[derive(Metrics)]
struct Outer {
    requests: Family<Op, Counter>,
    requests_total: Gauge,
}

fn main() {}
