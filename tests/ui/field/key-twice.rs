// Expected: one error, on the second `name`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(name = "a")]
    #[metrics(name = "b")]
    writes: Counter,
}

fn main() {}
