// Expected: one error: both parts of the tuple are the label `op`.

use papyra_metrics::{Counter, Family, Label, Metrics};

#[derive(Clone, Copy, Label)]
enum Op {
    Get,
}

#[derive(Metrics)]
struct LogMetrics {
    errors: Family<(Op, Op), Counter>,
}

fn main() {}
