//! The storage of the members of a family.

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, rc::Rc, sync::Arc, vec::Vec};
use core::array;

use super::zero::Zero;
use crate::{
    Buckets, CachePadded, Counter, Distribution, FloatGauge, Gauge, Histogram, Label, Peak,
    ShardedHistogram,
};

/// A type whose values can be the members of a [`Family`](crate::Family).
///
/// Implemented for the instruments of this crate, for plain atomics, for numbers, and for references, `Box`, `Rc`,
/// `Arc` and `Option` of anything. A family is an array of its members, except a family of
/// [`ShardedCounter`](crate::ShardedCounter), in which the members' cells for one CPU are adjacent. To use your own
/// instrument in a family, implement this trait for it:
///
/// ```
/// use papyra_metrics::{Family, Instrument, Kind, Label, Member, Metrics, Value};
/// use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
///
/// #[derive(Default)]
/// struct Level(AtomicI64);
///
/// impl Instrument for Level {
///     const KIND: Kind = Kind::Gauge;
///     fn value(&self) -> Value { Value::Gauge(self.0.load(Relaxed)) }
///     fn reset(&self) {}
///     fn take(&self) -> Value { self.value() }
/// }
///
/// impl Member for Level {
///     type Storage<L: Label> = L::Members<Self>;
/// }
///
/// #[derive(Clone, Copy, Label)]
/// enum Tank { Left, Right }
///
/// #[derive(Default, Metrics)]
/// struct TankMetrics { levels: Family<Tank, Level> }
///
/// let metrics = TankMetrics::default();
/// metrics.levels[Tank::Right].0.store(3, Relaxed);
/// assert_eq!(metrics.snapshot()["levels{tank=right}"], 3);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be in a family",
    label = "a family has instruments as its members",
    note = "for an instrument of your own, add `impl papyra_metrics::Member for {Self}` with `type Storage<L: papyra_metrics::Label> = L::Members<Self>;`",
    note = "for a type parameter, add the bound `papyra_metrics::Member`"
)]
pub trait Member: Sized {
    /// The storage of a family's members. For an instrument of your own, set it to the array `L::Members<Self>`.
    type Storage<L: Label>: MemberStorage<Self>;

    /// Returns the member for a label.
    #[doc(hidden)]
    #[inline]
    fn __member<L: Label>(members: &Self::Storage<L>, label: L) -> &Self {
        members.at(label.index())
    }
}

/// The memory that holds all members of a family; see [`Member::Storage`]. Implemented for every [`MemberArray`], and for
/// the storage of a family of sharded counters, in which several counters share a cache line.
pub trait MemberStorage<T>: Sized {
    #[doc(hidden)]
    fn __from_fn(make: &mut dyn FnMut() -> T) -> Self;

    /// Returns the item at a position.
    ///
    /// # Panics
    ///
    /// Panics if the index is out of range.
    #[doc(hidden)]
    fn at(&self, index: usize) -> &T;
}

/// An array with an item for each member of a family: [`Label::Members`](crate::Label::Members). Implemented for arrays,
/// which are for a single label, and for the nested arrays of a tuple of labels.
pub trait MemberArray<T>: MemberStorage<T> {
    #[doc(hidden)]
    fn at_mut(&mut self, index: usize) -> &mut T;
}

/// The size in bytes from which an array is created in a box.
#[cfg(feature = "alloc")]
const LARGE: usize = 4096;

impl<T, const N: usize> MemberStorage<T> for [T; N] {
    fn __from_fn(make: &mut dyn FnMut() -> T) -> Self {
        // Without optimizations, `array::from_fn` has five copies of the array on the stack. With a few sharded histograms, they
        // would not fit into the stack of a thread.
        #[cfg(feature = "alloc")]
        if size_of::<Self>() > LARGE {
            let mut items = Vec::with_capacity(N);
            for _ in 0..N {
                items.push(make());
            }
            let Ok(items) = <Box<Self>>::try_from(items.into_boxed_slice()) else {
                unreachable!("`items` has `N` items")
            };
            return *items;
        }
        array::from_fn(|_| make())
    }

    #[inline]
    fn at(&self, index: usize) -> &T {
        &self[index]
    }
}

impl<T, const N: usize> MemberArray<T> for [T; N] {
    #[inline]
    fn at_mut(&mut self, index: usize) -> &mut T {
        &mut self[index]
    }
}

impl<T: Zero, const N: usize> Zero for [T; N] {
    #[allow(clippy::declare_interior_mutable_const)] // copied into each new family
    const ZERO: Self = [const { T::ZERO }; N];
}

/// Implements [`Member`] for types whose families are arrays.
macro_rules! in_an_array {
    ($($(#[$cfg:meta])* [$($parameters:tt)*] $ty:ty),* $(,)?) => {$(
        $(#[$cfg])*
        impl<$($parameters)*> Member for $ty {
            type Storage<L: Label> = L::Members<Self>;

            #[inline]
            fn __member<L: Label>(members: &L::Members<Self>, label: L) -> &Self {
                L::__member(members, label)
            }
        }
    )*};
}

in_an_array! {
    [] bool,
    [] u8,
    [] u16,
    [] u32,
    [] u64,
    [] usize,
    [] i8,
    [] i16,
    [] i32,
    [] i64,
    [] isize,
    [] f32,
    [] f64,
    [B: Buckets] Distribution<B>,
    [] Counter,
    [] Gauge,
    [] FloatGauge,
    [] Peak,
    [B: Buckets] Histogram<B>,
    [B: Buckets] ShardedHistogram<B>,
    [I] CachePadded<I>,
    [T] Option<T>,
    ['a, T: ?Sized] &'a T,
    #[cfg(feature = "alloc")]
    [T: ?Sized] Box<T>,
    #[cfg(feature = "alloc")]
    [T: ?Sized] Rc<T>,
    #[cfg(feature = "alloc")]
    [T: ?Sized] Arc<T>,
    #[cfg(target_has_atomic = "64")]
    [] core::sync::atomic::AtomicU64,
    #[cfg(target_has_atomic = "64")]
    [] core::sync::atomic::AtomicI64,
    #[cfg(feature = "portable-atomic")]
    [] portable_atomic::AtomicU64,
    #[cfg(feature = "portable-atomic")]
    [] portable_atomic::AtomicI64,
    // Under loom, a family of sharded counters is an array: loom's atomics are larger than words, so counters cannot share
    // cache lines.
    #[cfg(all(loom, test))]
    [] crate::ShardedCounter,
}
