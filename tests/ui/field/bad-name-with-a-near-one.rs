// The caret is on the string, and `records_written` is proposed.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(name = "records written")]
    writes: Counter,
}

fn main() {}
