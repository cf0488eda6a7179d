// Expected: one error, on the last counter, which would be exported as the same series as the second counter.

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
