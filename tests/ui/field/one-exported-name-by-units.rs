// Expected: one error, on `written_bytes`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(unit = "bytes")]
    bytes_written: Counter,
    written_bytes: Counter,
}

fn main() {}
