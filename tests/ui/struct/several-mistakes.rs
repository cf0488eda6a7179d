// Every mistake is told at once, each at its own place.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
#[metrics(prefix = "9")]
struct LogMetrics {
    #[metrics(nam = "w")]
    writes: Counter,
    #[metrics(unit = "By")]
    bytes: Counter,
    reads: u64,
}

// A use of the struct is no mistake.
fn report(metrics: &LogMetrics) -> usize {
    metrics.descriptors().len()
}

fn main() {}
