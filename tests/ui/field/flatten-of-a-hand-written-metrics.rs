// The caret is on `Cache`.

use papyra_metrics::{Descriptor, Metrics, Value};

struct Cache;

impl Metrics for Cache {
    fn descriptors(&self) -> &[Descriptor] {
        &[]
    }
    fn visit(&self, _: &mut dyn FnMut(&Descriptor, Value)) {}
    fn visit_totals(&self, _: &mut dyn FnMut(&Descriptor, Value)) {}
    fn visit_drain(&self, _: &mut dyn FnMut(&Descriptor, Value)) {}
    fn reset(&self) {}
}

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(flatten)]
    cache: Cache,
}

fn main() {}
