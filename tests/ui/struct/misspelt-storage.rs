// Expected: one error, on `storge`; it proposes `storage`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(storge = Storage)]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
