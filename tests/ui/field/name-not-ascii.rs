// Expected: one error, on the field.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    größe: Counter,
}

fn main() {}
