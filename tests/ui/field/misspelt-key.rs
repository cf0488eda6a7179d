// Expected: one error, on `flaten`; the message proposes `flatten`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(flaten)]
    writes: Counter,
}

fn main() {}
