// Expected: one error, on the call; a note points to the field, and another note says why the field cannot be shared.

use papyra_metrics::{Counter, Metrics, publish::Published};

#[derive(Default, Metrics)]
struct LogMetrics {
    writes: Counter,
    #[metrics(skip)]
    path: std::path::PathBuf,
}

fn main() {
    let _ = Published::<LogMetrics>::create("log.metrics");
}
