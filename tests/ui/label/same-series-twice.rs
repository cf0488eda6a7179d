// Expected: one error, on the second name: both metrics have the same labels, although in another order.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(name = "requests", labels(op = "get", tier = "hot"))]
    gets: Counter,
    #[metrics(name = "requests", labels(tier = "hot", op = "get"))]
    hot_gets: Counter,
}

fn main() {}
