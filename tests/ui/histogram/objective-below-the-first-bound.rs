// Expected: one error on the threshold. The message names the lowest bound.
use papyra_metrics::{Histogram, Metrics, buckets};

buckets!(Pages: u64 = [1536, 4KiB, 6MiB], unit = "bytes");

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(objective(within = "1KiB", of = 50))]
    pages: Histogram<Pages>,
}

fn main() {}
