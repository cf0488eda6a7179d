//! What generated code calls, and what papyra-metrics-export walks through it by; nothing more. No promise of stability:
//! the three move as one.

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, rc::Rc, sync::Arc};
use core::{fmt, marker::PhantomData};

pub use crate::compose::{
    Exact, Flattened, Ladder, assert_distinct, assert_flattens, len, names_len,
};
pub use crate::measure::*;
pub use crate::words::{InPlace, Publishable, SkippedField, Words};
use crate::{Counter, Descriptor, Gauge, Inc, Instrument, Kind, Value};

/// Whom [`Metrics`](crate::Metrics) shows its metrics.
pub type Visitor<'a> = dyn FnMut(&Descriptor, Value) + 'a;

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

/// Instruments whose type has been forgotten.
pub trait Others {
    fn count(&self) -> usize;
    fn value(&self, i: usize) -> Value;
    fn total(&self, i: usize) -> Value;
    fn reset(&self, i: usize);
    fn take(&self, i: usize) -> Value;
    fn words(&self, i: usize) -> Option<Words>;
}

impl<I: Instrument, const N: usize> Others for [&I; N] {
    fn count(&self) -> usize {
        N
    }

    fn value(&self, i: usize) -> Value {
        self[i].value()
    }

    fn total(&self, i: usize) -> Value {
        self[i].total()
    }

    fn reset(&self, i: usize) {
        self[i].reset();
    }

    fn take(&self, i: usize) -> Value {
        self[i].take()
    }

    fn words(&self, i: usize) -> Option<Words> {
        self[i].__words()
    }
}

/// What is read of an instrument.
pub(crate) trait Reading {
    fn of<I: Instrument>(instrument: &I) -> Value;
    fn of_other(others: &dyn Others, i: usize) -> Value;
}

/// The value since the last reset.
pub(crate) struct Since;
/// The value over the lifetime.
pub(crate) struct Lifetime;
/// The value since the last reset, which resets it.
pub(crate) struct Taking;

macro_rules! reading {
    ($reading:ident, $method:ident) => {
        impl Reading for $reading {
            #[inline]
            fn of<I: Instrument>(instrument: &I) -> Value {
                instrument.$method()
            }

            #[inline]
            fn of_other(others: &dyn Others, i: usize) -> Value {
                others.$method(i)
            }
        }
    };
}

reading!(Since, value);
reading!(Lifetime, total);
reading!(Taking, take);

/// Goes through the instruments of a struct, as many at a time as have one type. Those that most structs are made of
/// go by their type, so that no call stands between the loop and the value.
pub trait Walker {
    /// The next ones are counters.
    fn counters(&mut self, counters: &[&Counter]);
    /// The next ones are gauges.
    fn gauges(&mut self, gauges: &[&Gauge]);
    /// The next ones are of some other type.
    fn others(&mut self, others: &dyn Others);
    /// Passes over metrics that are absent: those of a flattened `None`.
    fn absent(&mut self, metrics: usize);
}

struct Visit<'a, R> {
    metrics: &'static [Descriptor],
    visitor: &'a mut dyn FnMut(&Descriptor, Value),
    reading: PhantomData<R>,
}

impl<R: Reading> Visit<'_, R> {
    /// The next metrics, so many of them.
    #[inline]
    fn next(&mut self, metrics: usize) -> &'static [Descriptor] {
        let (next, rest) = self.metrics.split_at(metrics);
        self.metrics = rest;
        next
    }

    #[inline]
    fn each<I: Instrument>(&mut self, instruments: &[&I]) {
        for (metric, instrument) in self.next(instruments.len()).iter().zip(instruments) {
            (self.visitor)(metric, R::of(*instrument));
        }
    }
}

impl<R: Reading> Walker for Visit<'_, R> {
    fn counters(&mut self, counters: &[&Counter]) {
        self.each(counters);
    }

    fn gauges(&mut self, gauges: &[&Gauge]) {
        self.each(gauges);
    }

    fn others(&mut self, others: &dyn Others) {
        for (i, metric) in self.next(others.count()).iter().enumerate() {
            (self.visitor)(metric, R::of_other(others, i));
        }
    }

    fn absent(&mut self, metrics: usize) {
        self.next(metrics);
    }
}

fn read<R: Reading, M: Table + ?Sized>(metrics: &M, visitor: &mut Visitor<'_>) {
    metrics.walk(&mut Visit::<R> { metrics: M::METRICS, visitor, reading: PhantomData });
}

/// `Metrics::visit`.
pub fn visit<M: Table + ?Sized>(metrics: &M, visitor: &mut Visitor<'_>) {
    read::<Since, M>(metrics, visitor);
}

/// `Metrics::visit_totals`.
pub fn visit_totals<M: Table + ?Sized>(metrics: &M, visitor: &mut Visitor<'_>) {
    read::<Lifetime, M>(metrics, visitor);
}

/// `Metrics::visit_drain`.
pub fn visit_drain<M: Table + ?Sized>(metrics: &M, visitor: &mut Visitor<'_>) {
    read::<Taking, M>(metrics, visitor);
}

/// `Metrics::reset`.
pub fn reset<M: Table + ?Sized>(metrics: &M) {
    struct Reset;

    impl Walker for Reset {
        fn counters(&mut self, counters: &[&Counter]) {
            counters.iter().copied().for_each(Counter::reset);
        }

        fn gauges(&mut self, _: &[&Gauge]) {}

        fn others(&mut self, others: &dyn Others) {
            (0..others.count()).for_each(|i| others.reset(i));
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
#[cfg(feature = "publish")]
table_through!(crate::publish::Published<M>);

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

/// What the field marked `errors` is asked for, in place of its parts: so that a type that is neither is one error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a counter",
    label = "a field marked `errors` has to be one",
    note = "errors are counted in a `Counter`, a `ShardedCounter` or an `AtomicU64`; an instrument of your own implements `papyra_metrics::Inc` beside `Instrument`"
)]
pub trait ErrorInstrument: Sized {
    const KIND: Kind;

    fn __show<const N: usize>(instruments: &[&Self; N], walker: &mut dyn Walker);

    fn inc(&self);
}

#[diagnostic::do_not_recommend]
impl<I: Inc + Instrument> ErrorInstrument for I {
    const KIND: Kind = I::KIND;

    #[inline]
    fn __show<const N: usize>(instruments: &[&Self; N], walker: &mut dyn Walker) {
        I::__show(instruments, walker);
    }

    #[inline]
    fn inc(&self) {
        Inc::inc(self);
    }
}

/// A struct of plain integers, whose atomics the derive has written; or, where it `IS` not, any other type: so that a
/// flattened one that is not plain is one error, at its field, and not another wherever the struct of atomics is named.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a plain struct of counts",
    label = "it has no `#[metrics(storage = …)]`",
    note = "in a struct with `storage`, a flattened field is itself a struct that derives `Metrics` with `storage = Name`"
)]
pub trait Plain<const IS: bool = true>: Sized {
    /// Nothing, to ask for the trait by.
    const ASKED: () = ();
    /// The struct of atomics.
    type Storage: Table + fmt::Debug;
    /// All zero.
    const NEW: Self::Storage;

    /// The values now.
    fn read(storage: &Self::Storage) -> Self;

    /// Reads every field, so that one that nobody else reads does not count as dead.
    fn values(&self, visitor: &mut dyn FnMut(Value));
}

/// Tells at compile time whether a type is [`Plain`], for types that depend on no parameter: the inherent constant is
/// there for those that are, and is found before the one of [`NotPlain`].
pub struct Is<T>(PhantomData<T>);

impl<T: Plain> Is<T> {
    pub const PLAIN: bool = true;
}

/// See [`Is`].
pub trait NotPlain {
    const PLAIN: bool = false;
}

impl<T> NotPlain for Is<T> {}

#[diagnostic::do_not_recommend]
impl<T> Plain<false> for T {
    type Storage = NoStorage;
    const NEW: NoStorage = NoStorage;

    fn read(_: &NoStorage) -> Self {
        unreachable!("a program with such a field does not compile")
    }

    fn values(&self, _: &mut dyn FnMut(Value)) {}
}

/// Stands in for the storage of a type that has none.
#[derive(Debug)]
pub struct NoStorage;

impl InPlace for NoStorage {
    fn only_the_derive_may_implement_this() {}
}

impl Table for NoStorage {
    const OWN: &'static [Descriptor] = &[];
    const METRICS: &'static [Descriptor] = &[];

    fn walk(&self, _: &mut dyn Walker) {}
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
