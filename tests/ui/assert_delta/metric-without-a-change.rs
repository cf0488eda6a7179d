// Expected: one error, which shows how to call the macro.
use papyra_metrics::{Counter, Metrics, assert_delta};

#[derive(Default, Metrics)]
struct StoreMetrics {
    requests: Counter,
}

fn main() {
    let metrics = StoreMetrics::default();
    assert_delta!(metrics, { requests }, || metrics.requests.inc());
}
