// Expected: the label is not one, and what to do.

use papyra_metrics::{Counter, Family, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    errors: Family<String, Counter>,
}

fn main() {}
