// The caret is on `pad`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(pad)]
    records_read: Counter,
}


fn main() {}
