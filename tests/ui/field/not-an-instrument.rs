// The caret is on the type of the field that is no instrument.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    writes: Counter,
    in_use: std::sync::atomic::AtomicUsize,
}

fn main() {}
