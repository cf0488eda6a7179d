// Expected: one error, on the value, which is not a string.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(help = Records)]
    writes: Counter,
}

fn main() {}
