// Expected: two errors: on `queue`, whose two metrics have the same name, and on `unit`, in an attribute without `counter` or `gauge`.

use papyra_metrics::Metrics;

#[derive(Metrics)]
struct QueueMetrics {
    #[metrics(gauge = Vec::len)]
    #[metrics(gauge = Vec::capacity)]
    queue: Vec<u8>,
    #[metrics(gauge = Vec::len, name = "length")]
    #[metrics(gauge = Vec::capacity, name = "capacity")]
    #[metrics(unit = "bytes")]
    stack: Vec<u8>,
}

fn main() {
    let _ = QueueMetrics { queue: Vec::new(), stack: Vec::new() }.snapshot();
}
