// Expected: five errors: four say that `String` is not a label and how to make a label. The last one says that the family is not an instrument.

use papyra_metrics::{Counter, Family, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    errors: Family<String, Counter>,
}

fn main() {}
