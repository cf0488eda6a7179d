// Expected: one error, on the name of the struct.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics(Counter);

fn main() {}
