// Expected: one error, on `padded`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(padded)]
struct LogMetrics {
    records_read: Counter,
}


fn main() {}
