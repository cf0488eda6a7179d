// Expected: two errors, one on each type, although the derive reports one and the compiler the other.

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
