// Expected: five errors. Four errors say that `String` is not a label, and the last error says that the family is not an instrument.

use papyra_metrics::{Counter, Family, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    errors: Family<String, Counter>,
}

fn main() {}
