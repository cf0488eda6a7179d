// Expected: one error, on the second field: both fields would be exported as `written_bytes_total`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(unit = "bytes")]
    bytes_written: Counter,
    written_bytes: Counter,
}

fn main() {}
