// Expected: one error on the field, which says why other processes must not see it.

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
