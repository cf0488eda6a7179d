// Expected: one error, at the last counter, which is exported as the second one is.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(name = "requests", labels(op = "get"))]
    gets: Counter,
    #[metrics(name = "requests", labels(op = "put"))]
    puts: Counter,
    #[metrics(name = "requests_total", labels(op = "put"))]
    all_puts: Counter,
}

fn main() {}
