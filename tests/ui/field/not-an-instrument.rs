// Expected: one error, on the type of the field.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    writes: Counter,
    in_use: std::sync::atomic::AtomicUsize,
}

fn main() {}
