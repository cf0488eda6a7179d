// Expected: one error on the field's type, whose buckets determine the unit.
use papyra_metrics::{Histogram, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(unit = "milliseconds")]
    append: Histogram,
}

fn main() {}
