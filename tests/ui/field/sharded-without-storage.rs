// Expected: one error, on `sharded`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(sharded)]
    records_read: Counter,
}


fn main() {}
