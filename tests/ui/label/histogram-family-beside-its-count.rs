// Expected: two errors, on the two counters, which have the names of samples of the family of histograms.

use papyra_metrics::{Counter, Family, Histogram, Label, Metrics, Sizes};

#[derive(Clone, Copy, Label)]
enum Op {
    Get,
}

#[derive(Metrics)]
struct StoreMetrics {
    value: Family<Op, Histogram<Sizes>>,
    value_bytes_count: Family<Op, Counter>,
    #[metrics(name = "value_bytes", labels(op = "put"))]
    puts: Counter,
}

fn main() {}
