// Expected: one error, on `Cache`.

use papyra_metrics::{Descriptor, Metrics, Walker};

struct Cache;

impl Metrics for Cache {
    fn descriptors(&self) -> &[Descriptor] {
        &[]
    }
    fn walk(&self, _: &mut dyn Walker) {}
}

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(flatten)]
    cache: Cache,
}

fn main() {}
