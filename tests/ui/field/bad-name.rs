// The caret is on the string.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(name = "records-written")]
    writes: Counter,
}

fn main() {}
