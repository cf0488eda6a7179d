// Expected: one error, on `help`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(help)]
    writes: Counter,
}

fn main() {}
