// Expected: one error, on `name`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(skip, name = "w")]
    writes: Counter,
}

fn main() {}
