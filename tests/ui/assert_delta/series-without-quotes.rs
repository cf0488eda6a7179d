// Expected: one error, which says to write the series in quotes.
use papyra_metrics::{Counter, Family, Label, Metrics, assert_delta};

#[derive(Clone, Copy, Label)]
enum Op {
    Get,
}

#[derive(Default, Metrics)]
struct StoreMetrics {
    requests: Family<Op, Counter>,
}

fn main() {
    let metrics = StoreMetrics::default();
    assert_delta!(metrics, { requests{op=get}: 1 }, || metrics.requests[Op::Get].inc());
}
