// Expected: one error, on the whole type.

use papyra_metrics::Metrics;

#[derive(Metrics)]
#[metrics(storage = LogMetrics)]
struct LogCounts {
    path: std::path::PathBuf,
}

fn main() {}
