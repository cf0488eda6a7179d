//! The location of an instrument's atomics, and the marker for structs that consist of nothing else: what publishing
//! metrics in shared memory relies on.

use core::{marker::PhantomData, ptr};

use crate::__private::DescriptorTable;
use crate::histogram::Scale;
use crate::{
    Buckets, CachePadded, Counter, Family, FloatGauge, Gauge, Histogram, Label, Peak,
    ShardedCounter, ShardedHistogram,
};

/// The addresses of the 64-bit atomics that an instrument consists of.
#[derive(Clone, Copy, Debug)]
pub struct AtomicLayout {
    /// The first cell. The value is the wrapping sum of all of them.
    pub first: usize,
    /// The number of cells.
    pub cells: usize,
    /// The distance between two cells, in bytes.
    pub stride: usize,
    /// The baseline, which a reset sets to the sum of the cells. Without one, a reset of a counter sets the cells to zero.
    pub baseline: Option<usize>,
    /// The type of numbers in the cells and the baseline.
    pub form: Form,
    /// Address and number of the words of flags that say which cells are in use, for the instrument itself alone.
    pub flags: Option<(usize, usize)>,
}

/// The type of numbers in the cells of an instrument.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// One word each: a part of the value.
    Sum,
    /// One cell alone: the bits of an `f64`.
    Float,
    /// One cell alone: the highest value as an `i64`, and `i64::MIN` if there is none.
    Peak,
    /// A block each, and so is the baseline: two words for each bucket, its count and its sum.
    Histogram(Scale<'static>),
}

impl AtomicLayout {
    /// Describes an instrument that is one cell.
    pub fn cell<A>(cell: &A) -> Self {
        Self {
            first: ptr::from_ref(cell).addr(),
            cells: 1,
            stride: 8,
            baseline: None,
            form: Form::Sum,
            flags: None,
        }
    }

    /// Describes an instrument of several cells, starting with `first`.
    pub fn cells<A>(first: &A, cells: usize, stride: usize) -> Self {
        Self { cells, stride, ..Self::cell(first) }
    }

    /// Adds a baseline.
    #[must_use]
    pub fn with_baseline<A>(self, baseline: &A) -> Self {
        Self { baseline: Some(ptr::from_ref(baseline).addr()), ..self }
    }

    /// Sets what the cells contain.
    #[must_use]
    pub fn with_form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// Adds flags, which fill whole words.
    #[must_use]
    pub fn with_flags<F, const N: usize>(self, flags: &[F; N]) -> Self {
        Self { flags: Some((ptr::from_ref(flags).addr(), size_of::<[F; N]>() / 8)), ..self }
    }
}

/// A struct of metrics that can be published: it consists of atomics and nothing else, so several processes can share
/// its memory.
///
/// The derive implements it for exactly those structs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be published",
    label = "a published struct derives `Metrics`",
    note = "only the derive can check that every field may lie in shared memory; a hand-written `Metrics` cannot be published"
)]
pub trait Publishable: SharedMemorySafe + DescriptorTable {}

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

impl<L: Label, I: SharedMemorySafe> SharedMemorySafe for Family<L, I> {
    fn __sealed() {}
}

#[cfg(target_has_atomic = "64")]
shared_memory_safe!([] core::sync::atomic::AtomicU64, [] core::sync::atomic::AtomicI64);
#[cfg(feature = "portable-atomic")]
shared_memory_safe!([] portable_atomic::AtomicU64, [] portable_atomic::AtomicI64);
