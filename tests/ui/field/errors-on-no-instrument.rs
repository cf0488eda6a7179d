// One error, at `String`: what the other traits lack is no news.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    writes: Counter,
    #[metrics(errors)]
    path: String,
}

fn main() {}
