// Expected: one error, on the string that repeats a name.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    writes: Counter,
    #[metrics(name = "writes")]
    appends: Counter,
}

fn main() {}
