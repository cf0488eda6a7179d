// Expected: one error, on `Count`.

use papyra_metrics::Metrics;

type Count = u64;

#[derive(Metrics)]
#[metrics(storage = LogMetrics)]
struct LogCounts {
    writes: Count,
}

fn main() {}
