// Expected: three errors, one on each family. The messages say to choose a member of the family.
use papyra_metrics::{Counter, Family, Gauge, Histogram, Label, Metrics, metrics};

#[derive(Clone, Copy, Label)]
enum Op {
    Get,
}

#[derive(Default, Metrics)]
struct StoreMetrics {
    requests: Family<Op, Counter>,
    in_flight: Family<Op, Gauge>,
    latency: Family<Op, Histogram>,
}

struct Store {
    metrics: StoreMetrics,
}

impl Store {
    #[metrics(ok = requests, in_flight = in_flight, time = latency)]
    fn get(&self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
