// A `Metrics` by hand says nothing of what else the struct holds.

use papyra_metrics::{Descriptor, Metrics, Value, publish::Published};

#[derive(Default)]
struct Queue;

impl Metrics for Queue {
    fn descriptors(&self) -> &[Descriptor] { &[] }
    fn visit(&self, _: &mut dyn FnMut(&Descriptor, Value)) {}
    fn visit_totals(&self, _: &mut dyn FnMut(&Descriptor, Value)) {}
    fn visit_drain(&self, _: &mut dyn FnMut(&Descriptor, Value)) {}
    fn reset(&self) {}
}

fn main() {
    let _ = Published::<Queue>::create("queue.metrics");
}
