// Expected: one error, on `storge`; the message proposes `storage`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(storge = Storage)]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
