// Expected: one error, on the type.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    writes: Counter,
    #[metrics(flatten)]
    path: std::path::PathBuf,
}

fn main() {}
