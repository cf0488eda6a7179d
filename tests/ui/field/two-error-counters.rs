// Expected: one error, on the second `errors`.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    write_errors: Counter,
    #[metrics(errors)]
    read_errors: Counter,
}

fn main() {}
