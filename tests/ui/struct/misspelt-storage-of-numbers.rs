// Expected: one error, on the key: what the fields are meant to be is not known.

use papyra_metrics::Metrics;

#[derive(Metrics)]
#[metrics(storge = LogMetrics)]
struct LogCounts {
    writes: u64,
    open: i64,
}

fn main() {}
