// Expected: four errors in one build, each on the token that is wrong.

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

// Using the struct adds no error.
fn report(metrics: &LogMetrics) -> usize {
    metrics.descriptors().len()
}

fn main() {}
