// The caret is on `pad`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(pad)]
struct LogMetrics {
    records_read: Counter,
}


fn main() {}
