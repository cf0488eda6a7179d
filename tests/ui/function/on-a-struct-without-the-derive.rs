// Expected: one error, on `struct`. The message says that the attribute goes below the derive.
use papyra_metrics::metrics;

#[metrics(prefix = "log_")]
struct LogMetrics {
    records_written: u64,
}

fn main() {}
