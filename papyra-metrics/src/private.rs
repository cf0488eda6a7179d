//! What generated code calls, and nothing more. No promise of stability: the derive and this crate move as one.

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, rc::Rc, sync::Arc};
use core::{fmt, slice};

pub use crate::compose::{
    Exact, Flattened, Ladder, assert_distinct, assert_flattens, len, names_len,
};
pub use crate::measure::*;
use crate::{Descriptor, Instrument, Value};

/// The derive's side of [`Metrics`](crate::Metrics): the metrics as tables, over which the loops below run.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be flattened",
    label = "its metrics are not known at compile time",
    note = "`#[metrics(flatten)]` composes names at compile time, so it needs a struct that derives `Metrics`, or a `&`, `Box`, `Rc`, `Arc` or `Option` of one",
    note = "a trait object and a hand-written `Metrics` tell their names only at run time; a single instrument needs no `flatten`"
)]
pub trait Table {
    /// The struct's own metrics, in declaration order.
    const OWN: &'static [Descriptor];
    /// What is flattened into the struct, in declaration order.
    const FLATTENED: &'static [Flattened] = &[];
    /// All metrics, in declaration order.
    const METRICS: &'static [Descriptor];

    /// Shows each instrument to the walker, in the order of `METRICS`.
    fn walk(&self, walker: &mut dyn Walker);
}

/// An instrument whose type has been forgotten.
pub trait Cell {
    fn value(&self) -> Value;
    fn total(&self) -> Value;
    fn reset(&self);
    fn take(&self) -> Value;
}

impl<I: Instrument> Cell for I {
    fn value(&self) -> Value {
        I::value(self)
    }

    fn total(&self) -> Value {
        I::total(self)
    }

    fn reset(&self) {
        I::reset(self);
    }

    fn take(&self) -> Value {
        I::take(self)
    }
}

/// Goes through the instruments of a struct.
pub trait Walker {
    /// The next instruments of the struct itself.
    fn cells(&mut self, cells: &[&dyn Cell]);
    /// Passes over metrics that are absent: those of a flattened `None`.
    fn absent(&mut self, metrics: usize);
}

struct Visit<'a, R> {
    metrics: slice::Iter<'static, Descriptor>,
    read: R,
    visitor: &'a mut dyn FnMut(&Descriptor, Value),
}

impl<R: Fn(&dyn Cell) -> Value> Walker for Visit<'_, R> {
    fn cells(&mut self, cells: &[&dyn Cell]) {
        for (&cell, metric) in cells.iter().zip(&mut self.metrics) {
            (self.visitor)(metric, (self.read)(cell));
        }
    }

    fn absent(&mut self, metrics: usize) {
        for _ in 0..metrics {
            self.metrics.next();
        }
    }
}

/// `Metrics::visit`.
pub fn visit<M: Table + ?Sized>(metrics: &M, visitor: &mut dyn FnMut(&Descriptor, Value)) {
    metrics.walk(&mut Visit {
        metrics: M::METRICS.iter(),
        read: |cell: &dyn Cell| cell.value(),
        visitor,
    });
}

/// `Metrics::visit_totals`.
pub fn visit_totals<M: Table + ?Sized>(metrics: &M, visitor: &mut dyn FnMut(&Descriptor, Value)) {
    metrics.walk(&mut Visit {
        metrics: M::METRICS.iter(),
        read: |cell: &dyn Cell| cell.total(),
        visitor,
    });
}

/// `Metrics::visit_drain`.
pub fn visit_drain<M: Table + ?Sized>(metrics: &M, visitor: &mut dyn FnMut(&Descriptor, Value)) {
    metrics.walk(&mut Visit {
        metrics: M::METRICS.iter(),
        read: |cell: &dyn Cell| cell.take(),
        visitor,
    });
}

/// `Metrics::reset`.
pub fn reset<M: Table + ?Sized>(metrics: &M) {
    struct Reset;

    impl Walker for Reset {
        fn cells(&mut self, cells: &[&dyn Cell]) {
            for cell in cells {
                cell.reset();
            }
        }

        fn absent(&mut self, _: usize) {}
    }

    // No descriptor is needed here, but a clash of names shows at the first use, whichever that is.
    let _ = M::METRICS;
    metrics.walk(&mut Reset);
}

macro_rules! table_through {
    ($pointer:ty) => {
        #[diagnostic::do_not_recommend]
        impl<M: Table + ?Sized> Table for $pointer {
            const OWN: &'static [Descriptor] = M::OWN;
            const FLATTENED: &'static [Flattened] = M::FLATTENED;
            const METRICS: &'static [Descriptor] = M::METRICS;

            fn walk(&self, walker: &mut dyn Walker) {
                M::walk(self, walker);
            }
        }
    };
}

table_through!(&M);
#[cfg(feature = "alloc")]
table_through!(Box<M>);
#[cfg(feature = "alloc")]
table_through!(Rc<M>);
#[cfg(feature = "alloc")]
table_through!(Arc<M>);

#[diagnostic::do_not_recommend]
impl<M: Table> Table for Option<M> {
    const OWN: &'static [Descriptor] = M::OWN;
    const FLATTENED: &'static [Flattened] = M::FLATTENED;
    const METRICS: &'static [Descriptor] = M::METRICS;

    fn walk(&self, walker: &mut dyn Walker) {
        match self {
            Some(metrics) => metrics.walk(walker),
            None => walker.absent(M::METRICS.len()),
        }
    }
}

/// A descriptor whose name begins with a prefix of that length.
pub const fn prefixed(mut metric: Descriptor, prefix_len: usize) -> Descriptor {
    metric.prefix_len = prefix_len;
    metric
}

/// A struct of plain integers, whose atomics the derive has written.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a plain struct of counts",
    label = "it has no `#[metrics(storage = …)]`",
    note = "in a struct with `storage`, a flattened field is itself a struct that derives `Metrics` with `storage = Name`"
)]
pub trait Plain: Sized {
    /// The struct of atomics.
    type Storage: Table;
    /// All zero.
    const NEW: Self::Storage;

    /// The values now.
    fn read(storage: &Self::Storage) -> Self;

    /// Reads every field, so that one that nobody else reads does not count as dead.
    fn values(&self, visitor: &mut dyn FnMut(Value));
}

/// `Debug` of a struct of atomics.
pub fn debug(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    fields: &[(&str, &dyn fmt::Debug)],
) -> fmt::Result {
    let mut debug = f.debug_struct(name);
    for (name, field) in fields {
        debug.field(name, field);
    }
    debug.finish()
}
