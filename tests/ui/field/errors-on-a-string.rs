// Expected: only one error, on `String`, although `String` lacks several traits.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    writes: Counter,
    #[metrics(errors)]
    path: String,
}

fn main() {}
