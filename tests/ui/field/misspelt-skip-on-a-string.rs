// Expected: one error, on `skp`. After this error, the type of the field is not checked.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(skp)]
    path: String,
    reads: Counter,
}

fn main() {}
