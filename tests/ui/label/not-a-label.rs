// Expected: one error, which says that the type is not a label, and how to make a label.

use papyra_metrics::{Counter, Family, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    errors: Family<String, Counter>,
}

fn main() {}
