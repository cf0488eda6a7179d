// Expected: one error, on `errors`.

use papyra_metrics::Metrics;

#[derive(Metrics)]
#[metrics(storage = Storage)]
struct LogMetrics {
    #[metrics(errors)]
    failing: i64,
}


fn main() {}
