// Expected: one error, at the gauge, which has the name of the family's samples.

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
