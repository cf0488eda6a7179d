// The caret is on the word.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(help = Records)]
    writes: Counter,
}

fn main() {}
