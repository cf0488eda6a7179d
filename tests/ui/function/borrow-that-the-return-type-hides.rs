// Expected: one error, from the compiler. The attribute sees the borrow in `IterMut<'_>`, but not in `IterMut`.
#![allow(mismatched_lifetime_syntaxes)]

use papyra_metrics::{Gauge, Metrics, metrics};
use std::sync::Arc;

#[derive(Default, Metrics)]
struct LogMetrics {
    open: Gauge,
}

struct Log {
    records: Vec<String>,
    metrics: Arc<LogMetrics>,
}

type IterMut<'a> = std::slice::IterMut<'a, String>;

impl Log {
    #[metrics(in_flight = open)]
    fn hides(&mut self) -> IterMut {
        self.records.iter_mut()
    }

    #[metrics(in_flight = open)]
    fn shows(&mut self) -> IterMut<'_> {
        self.records.iter_mut()
    }
}

fn main() {}
