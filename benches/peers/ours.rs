//! Structs of 10, 100 and 1,000 counters, with hand-written loops over their fields for comparison with the derive.

use std::sync::Arc;

use papyra_metrics::{Counter, Descriptor, Metrics, Value};
use papyra_metrics_export::Registry;
use papyra_metrics_export::prometheus::{Format, Prometheus};

use crate::peers::Text;

/// A struct of counters, with hand-written loops over its fields.
pub trait ByHand: Metrics + Default + 'static {
    const LEN: usize;
    /// Visits the fields in a loop, with one dynamic call for each.
    fn loop_visit(&self, visitor: &mut dyn FnMut(&Descriptor, Value));
    /// Adds an amount that depends on the index to each field.
    fn add(&self, n: impl Fn(usize) -> u64);
    /// Reads the fields in a loop into a `Vec`.
    fn loop_read(&self) -> Vec<(&'static str, u64)>;
}

/// A struct in a registry, with its exporter.
pub struct Exported<M> {
    metrics: Arc<M>,
    _registry: Registry,
    prometheus: Prometheus,
    pub text: String,
}

impl<M: ByHand + Send + Sync> Exported<M> {
    pub fn new() -> Self {
        let registry = Registry::new();
        let metrics = Arc::new(M::default());
        registry.register(Arc::clone(&metrics), &[]).unwrap();
        let prometheus = Prometheus::new(&registry);
        Self { metrics, _registry: registry, prometheus, text: String::new() }
    }
}

impl<M: ByHand + Send + Sync> Text for Exported<M> {
    fn add(&self, n: impl Fn(usize) -> u64) {
        self.metrics.add(n);
    }

    fn encode(&mut self) -> usize {
        self.text.clear();
        self.prometheus.encode(Format::Text, &mut self.text);
        self.text.len()
    }
}

macro_rules! struct_of {
    ($name:ident, $len:literal, $prefix:literal: $($field:ident)*) => {
        #[derive(Default, Metrics)]
        #[metrics(prefix = $prefix)]
        pub struct $name {
            $(#[metrics(help = "Records appended")] // the same text as the peers' `HELP`
            pub $field: Counter),*
        }

        impl ByHand for $name {
            const LEN: usize = $len;

            fn add(&self, n: impl Fn(usize) -> u64) {
                let cells: [&Counter; $len] = [$(&self.$field),*];
                for (index, cell) in cells.iter().enumerate() {
                    cell.add(n(index));
                }
            }

            #[inline(never)]
            fn loop_visit(&self, visitor: &mut dyn FnMut(&Descriptor, Value)) {
                let cells: [&Counter; $len] = [$(&self.$field),*];
                for (metric, cell) in self.descriptors().iter().zip(cells) {
                    visitor(metric, Value::Counter(cell.get()));
                }
            }

            #[inline(never)]
            fn loop_read(&self) -> Vec<(&'static str, u64)> {
                const NAMES: [&str; $len] = [$(stringify!($field)),*];
                let cells: [&Counter; $len] = [$(&self.$field),*];
                let mut values = Vec::with_capacity($len);
                for (name, cell) in NAMES.iter().zip(cells) {
                    values.push((*name, cell.get()));
                }
                values
            }
        }
    };
}

struct_of!(Ten, 10, "counter_": a b c d e f g h i j);

struct_of!(Hundred, 100, "counter_":
    a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9
    c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 d0 d1 d2 d3 d4 d5 d6 d7 d8 d9
    e0 e1 e2 e3 e4 e5 e6 e7 e8 e9 f0 f1 f2 f3 f4 f5 f6 f7 f8 f9
    g0 g1 g2 g3 g4 g5 g6 g7 g8 g9 h0 h1 h2 h3 h4 h5 h6 h7 h8 h9
    i0 i1 i2 i3 i4 i5 i6 i7 i8 i9 j0 j1 j2 j3 j4 j5 j6 j7 j8 j9);

macro_rules! thousand {
    ($($field:ident)*) => { struct_of!(Thousand, 1000, "": $($field)*); };
}
include!("../../tests/derive/thousand.in");
