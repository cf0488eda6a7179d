//! The values of a plain struct (`#[metrics(storage = …)]`).

#[cfg(feature = "alloc")]
use alloc::boxed::Box;

use crate::{
    Buckets, CachePadded, Counter, Distribution, Family, FloatGauge, Gauge, Histogram, Label,
    Member, ShardedCounter, ShardedHistogram, Value,
};

/// A value that a plain struct can contain, read from an instrument.
pub trait PlainValue<I: ?Sized>: Sized {
    /// Reads the value since the last reset.
    fn read(instrument: &I) -> Self;
}

/// A field of a plain struct, whose values can be passed to a snapshot.
pub trait ShowPlain {
    /// Calls the visitor with the value, or with the values of all members if the field is a family.
    fn show(&self, visitor: &mut dyn FnMut(Value));
}

macro_rules! read {
    ($([$($bounds:tt)*] $value:ty: $instrument:ty),* $(,)?) => {$(
        impl<$($bounds)*> PlainValue<$instrument> for $value {
            #[inline]
            fn read(instrument: &$instrument) -> Self {
                instrument.get()
            }
        }
    )*};
}

read! {
    [] u64: Counter,
    [] u64: ShardedCounter,
    [] i64: Gauge,
    [] f64: FloatGauge,
    [B: Buckets] Distribution<B>: Histogram<B>,
    [B: Buckets] Distribution<B>: ShardedHistogram<B>,
}

impl<I, V: PlainValue<I>> PlainValue<CachePadded<I>> for V {
    #[inline]
    fn read(instrument: &CachePadded<I>) -> Self {
        V::read(instrument)
    }
}

impl<L: Label, I: Member, V: Member + PlainValue<I>> PlainValue<Family<L, I>> for Family<L, V> {
    fn read(instruments: &Family<L, I>) -> Self {
        instruments.map(V::read)
    }
}

macro_rules! show {
    ($($value:ty: $variant:ident),*) => {$(
        impl ShowPlain for $value {
            fn show(&self, visitor: &mut dyn FnMut(Value)) {
                visitor(Value::$variant(*self));
            }
        }
    )*};
}

show!(u64: Counter, i64: Gauge, f64: Float);

impl<B: Buckets> ShowPlain for Distribution<B> {
    fn show(&self, visitor: &mut dyn FnMut(Value)) {
        #[cfg(feature = "alloc")]
        visitor(Value::Histogram(Box::new(self.erase())));
        // The count stands in for the distribution: without `alloc` there are no snapshots, so nothing uses the value.
        #[cfg(not(feature = "alloc"))]
        visitor(Value::Counter(self.count()));
    }
}

impl<L: Label, V: Member + ShowPlain> ShowPlain for Family<L, V> {
    fn show(&self, visitor: &mut dyn FnMut(Value)) {
        for value in self.values() {
            value.show(visitor);
        }
    }
}
