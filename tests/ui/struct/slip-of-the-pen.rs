// The caret is on `storge`, and `storage` is proposed.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(storge = Storage)]
struct LogMetrics {
    writes: Counter,
}

fn main() {}
