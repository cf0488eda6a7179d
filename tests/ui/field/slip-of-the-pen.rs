// The caret is on `flaten`, and the nearest key is proposed.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(flaten)]
    writes: Counter,
}

fn main() {}
