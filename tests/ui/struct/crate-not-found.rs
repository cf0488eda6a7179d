// Expected: one error, at `papyra`.

use papyra_metrics::{Counter, Gauge, Metrics};

#[derive(Metrics)]
#[metrics(crate = papyra)]
struct LogMetrics {
    #[metrics(errors)]
    write_errors: Counter,
    open_segments: Gauge,
}

fn main() {}
