// Expected: one error, on `padded`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(padded)]
    records_read: Counter,
}


fn main() {}
