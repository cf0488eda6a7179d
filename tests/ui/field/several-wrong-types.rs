// Expected: three errors, one on each wrong type: the derive reports `u64`, and the compiler reports the other two types.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    writes: u64,
    path: String,
    #[metrics(flatten)]
    cache: std::path::PathBuf,
    reads: Counter,
}

fn main() {}
