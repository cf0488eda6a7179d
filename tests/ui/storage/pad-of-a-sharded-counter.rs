// The caret is on `pad`.

use papyra_metrics::Metrics;

#[derive(Metrics)]
#[metrics(storage = Storage)]
struct LogMetrics {
    #[metrics(sharded, pad)]
    records_read: u64,
}


fn main() {}
