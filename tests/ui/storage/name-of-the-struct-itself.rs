// Expected: one error, on the second `LogCounts`.

use papyra_metrics::Metrics;

#[derive(Metrics)]
#[metrics(storage = LogCounts)]
struct LogCounts {
    writes: u64,
}

fn main() {}
