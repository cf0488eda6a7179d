// Expected: one error, on the string; the message proposes `records_written`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(name = "records-written")]
    writes: Counter,
}

fn main() {}
