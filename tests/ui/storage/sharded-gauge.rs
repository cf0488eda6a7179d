// Expected: one error, on `sharded`.

use papyra_metrics::Metrics;

#[derive(Metrics)]
#[metrics(storage = Storage)]
struct LogMetrics {
    #[metrics(sharded)]
    open_segments: i64,
}


fn main() {}
