// Expected: one error, on the type.

use papyra_metrics::Metrics;

#[derive(Metrics)]
#[metrics(storage = Storage)]
struct LogMetrics {
    writes: u64,
    #[metrics(skip)]
    path: String,
}


fn main() {}
