//! Types that consist only of atomics, so that several processes can share their memory.

use core::marker::PhantomData;

use crate::{
    Buckets, CachePadded, Counter, Descriptor, Family, FloatGauge, Gauge, Histogram, Label, Member,
    Metrics, Peak, ShardedCounter, ShardedHistogram,
};

/// A struct of metrics that can be published: it consists only of atomics, so several processes can share its memory.
///
/// Implemented for every struct that derives `Metrics` and contains only types that processes can share.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be published",
    label = "a published struct derives `Metrics`",
    note = "only the derive can check that every field may be in shared memory; a hand-written `Metrics` cannot be published"
)]
pub trait Publishable: Metrics + Sized {
    /// Returns the descriptors of the metrics.
    #[doc(hidden)]
    fn __metrics() -> &'static [Descriptor];
}

#[doc(hidden)] // the bound names a private trait; the docs of `Publishable` list the types
impl<M: Metrics + SharedMemorySafe> Publishable for M {
    #[doc(hidden)]
    fn __metrics() -> &'static [Descriptor] {
        M::__metrics()
    }
}

/// A type that a published struct may contain, or a struct that can be published.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be published",
    label = "this type cannot be part of a published struct",
    note = "other processes share the memory of a published struct, so it contains only inline instruments: `Counter`, `Gauge`, `FloatGauge`, `Peak`, `Histogram`, `ShardedCounter`, `ShardedHistogram`, `CachePadded` and `Family` of those, `AtomicU64`, `AtomicI64`, and flattened structs of these",
    note = "keep other fields beside the published struct, in the struct that owns it"
)]
#[doc(hidden)]
pub trait SharedMemorySafe {
    /// Returns the descriptors of a struct that derives `Metrics`; empty for an instrument.
    #[doc(hidden)]
    fn __metrics() -> &'static [Descriptor];
}

/// In the bounds of the derived impl of `SharedMemorySafe`, stands in for the type of a skipped field that is not a
/// `PhantomData`. `SkippedField` does not implement the trait, so a struct with such a field cannot be published.
pub struct SkippedField;

/// Stands in for the type of a field whose value is computed, as [`SkippedField`] does for a skipped field.
pub struct ComputedValue;

macro_rules! shared_memory_safe {
    ($([$($bounds:tt)*] $ty:ty),* $(,)?) => {$(
        impl<$($bounds)*> SharedMemorySafe for $ty {
            fn __metrics() -> &'static [Descriptor] {
                &[]
            }
        }
    )*};
}

shared_memory_safe!(
    [] Counter,
    [] FloatGauge,
    [] Gauge,
    [] Peak,
    [] ShardedCounter,
    [T: ?Sized] PhantomData<T>,
    [B: Buckets] Histogram<B>,
    [B: Buckets] ShardedHistogram<B>,
    [I: SharedMemorySafe] CachePadded<I>,
    [L: Label, I: Member + SharedMemorySafe] Family<L, I>,
);

#[cfg(target_has_atomic = "64")]
shared_memory_safe!([] core::sync::atomic::AtomicU64, [] core::sync::atomic::AtomicI64);
#[cfg(feature = "portable-atomic")]
shared_memory_safe!([] portable_atomic::AtomicU64, [] portable_atomic::AtomicI64);
