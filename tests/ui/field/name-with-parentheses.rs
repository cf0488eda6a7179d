// Expected: one error, on the parentheses.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(name("writes"))]
    writes: Counter,
}

fn main() {}
