// Expected: one error, on `flatten`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(skip, flatten)]
    writes: Counter,
}

fn main() {}
