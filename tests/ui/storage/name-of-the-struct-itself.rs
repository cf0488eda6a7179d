// Expected: one error, on `LogCounts` in the attribute.

use papyra_metrics::Metrics;

#[derive(Metrics)]
#[metrics(storage = LogCounts)]
struct LogCounts {
    writes: u64,
}

fn main() {}
