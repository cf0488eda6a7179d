// Expected: one error, on `withn`; the message proposes `within`.
use papyra_metrics::{Histogram, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(objective(withn = "100ms", of = 99.9))]
    append: Histogram,
}

fn main() {}
