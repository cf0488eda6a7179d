//! Types that consist only of atomics, so that several processes can share their memory.

use core::marker::PhantomData;

use crate::__private::DescriptorTable;
use crate::{
    Buckets, CachePadded, Counter, Descriptor, Family, FloatGauge, Gauge, Histogram, Label, Member,
    Metrics, Peak, ShardedCounter, ShardedHistogram,
};

/// A struct of metrics that can be published: it consists only of atomics, so several processes can share its memory.
///
/// The derive implements it for exactly those structs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be published",
    label = "a published struct derives `Metrics`",
    note = "only the derive can check that every field may lie in shared memory; a hand-written `Metrics` cannot be published"
)]
pub trait Publishable: Metrics + Sized {
    /// The metrics, from [`published_metrics`].
    #[doc(hidden)]
    fn __metrics() -> &'static [Descriptor];
}

/// Returns the metrics of a published struct. The bound is what makes publishing sound: generated impls of [`Publishable`]
/// call this.
#[must_use]
pub fn published_metrics<M: SharedMemorySafe + DescriptorTable>() -> &'static [Descriptor] {
    M::METRICS
}

/// A type that a published struct may contain.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be published",
    label = "this type cannot be part of a published struct",
    note = "other processes share the memory of a published struct, so it contains only instruments, in place: `Counter`, `Gauge`, `FloatGauge`, `Peak`, `Histogram`, `ShardedCounter`, `ShardedHistogram`, `CachePadded` and `Family` of those, `AtomicU64`, `AtomicI64`, and flattened structs of these",
    note = "keep other fields beside the published struct, in the struct that owns it"
)]
pub trait SharedMemorySafe {
    #[doc(hidden)]
    fn __sealed();
}

/// Stands in for the type of a skipped field in the bounds of a published struct; it is never `SharedMemorySafe`.
pub struct SkippedField;

/// Stands in for the type of a field whose value is computed, in the bounds of a published struct; it is never
/// `SharedMemorySafe`.
pub struct ComputedValue;

macro_rules! shared_memory_safe {
    ($([$($parameter:ident)?] $ty:ty),*) => {$(
        impl<$($parameter: ?Sized)?> SharedMemorySafe for $ty {
            fn __sealed() {}
        }
    )*};
}

shared_memory_safe!(
    [] Counter, [] FloatGauge, [] Gauge, [] Peak, [] ShardedCounter, [T] PhantomData<T>
);

impl<B: Buckets> SharedMemorySafe for Histogram<B> {
    fn __sealed() {}
}

impl<B: Buckets> SharedMemorySafe for ShardedHistogram<B> {
    fn __sealed() {}
}

impl<I: SharedMemorySafe> SharedMemorySafe for CachePadded<I> {
    fn __sealed() {}
}

impl<L: Label, I: Member + SharedMemorySafe> SharedMemorySafe for Family<L, I> {
    fn __sealed() {}
}

#[cfg(target_has_atomic = "64")]
shared_memory_safe!([] core::sync::atomic::AtomicU64, [] core::sync::atomic::AtomicI64);
#[cfg(feature = "portable-atomic")]
shared_memory_safe!([] portable_atomic::AtomicU64, [] portable_atomic::AtomicI64);
