// Expected: one error, on `struct`, which says where the derive goes.
use papyra_metrics::metrics;

#[metrics(prefix = "log_")]
struct LogMetrics {
    records_written: u64,
}

fn main() {}
