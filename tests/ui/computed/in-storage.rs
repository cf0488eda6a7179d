// Expected: one error, on `gauge`.

use papyra_metrics::Metrics;

#[derive(Metrics)]
#[metrics(storage = LogMetrics)]
struct LogCounts {
    #[metrics(gauge = |depth| *depth)]
    depth: u64,
}

fn main() {}
