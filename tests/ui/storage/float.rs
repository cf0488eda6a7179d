// The caret is on `f64`.

use papyra_metrics::Metrics;

#[derive(Metrics)]
#[metrics(storage = LogMetrics)]
struct LogCounts {
    ratio: f64,
}

fn main() {}
