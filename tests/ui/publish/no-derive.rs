// Expected: one error: without the derive, nothing checks what the struct contains.

use papyra_metrics::{Descriptor, Metrics, Walker, publish::Published};

#[derive(Default)]
struct Queue;

impl Metrics for Queue {
    fn descriptors(&self) -> &[Descriptor] { &[] }
    fn walk(&self, _: &mut dyn Walker) {}
}

fn main() {
    let _ = Published::<Queue>::create("queue.metrics");
}
