// Expected: one error, on `storge`. After this error, the types of the fields are not checked.

use papyra_metrics::Metrics;

#[derive(Metrics)]
#[metrics(storge = LogMetrics)]
struct LogCounts {
    writes: u64,
    open: i64,
}

fn main() {}
