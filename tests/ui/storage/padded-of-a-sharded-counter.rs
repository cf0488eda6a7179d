// Expected: one error, on `padded`.

use papyra_metrics::Metrics;

#[derive(Metrics)]
#[metrics(storage = Storage)]
struct LogMetrics {
    #[metrics(sharded, padded)]
    records_read: u64,
}


fn main() {}
