// Expected: one error, on `help`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(skip, help = "Records.")]
    writes: Counter,
}

fn main() {}
