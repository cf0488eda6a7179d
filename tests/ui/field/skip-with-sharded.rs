// Expected: one error, on `sharded`.

use papyra_metrics::{Metrics, ShardedCounter};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(skip, sharded)]
    records_read: ShardedCounter,
}


fn main() {}
