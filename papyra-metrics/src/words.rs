//! Where the atomics of an instrument are, and which structs are nothing but atomics: what has to be known before
//! metrics may lie in memory that several processes share.

use core::{marker::PhantomData, ptr};

use crate::__private::Table;
use crate::{CachePadded, Counter, Gauge, ShardedCounter};

/// The 64-bit atomics that an instrument consists of, by address.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// The first cell. The value is the wrapping sum of all of them.
    pub first: usize,
    /// How many cells there are.
    pub cells: usize,
    /// How many bytes lie between the beginnings of two cells.
    pub stride: usize,
    /// What a reset sets to the sum of the cells. Without one, a reset of a counter sets the cells to zero.
    pub mark: Option<usize>,
}

impl Words {
    /// An instrument that is one cell.
    pub fn cell<A>(cell: &A) -> Self {
        Self { first: ptr::from_ref(cell).addr(), cells: 1, stride: 8, mark: None }
    }

    /// An instrument of several cells, the first of which is here.
    pub fn cells<A>(first: &A, cells: usize, stride: usize) -> Self {
        Self { cells, stride, ..Self::cell(first) }
    }

    /// The same, with a mark.
    #[must_use]
    pub fn with_mark<A>(self, mark: &A) -> Self {
        Self { mark: Some(ptr::from_ref(mark).addr()), ..self }
    }
}

/// A struct of metrics that can be published: atomics in place and nothing else, so that several processes can
/// share its memory.
///
/// The derive implements it, for exactly those structs of which this is true.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be published",
    label = "a published struct derives `Metrics`",
    note = "the derive knows whether all that the struct holds may lie in memory that other processes share; a `Metrics` by hand does not say"
)]
pub trait Publishable: InPlace + Table {}

/// What a published struct may hold.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be published",
    label = "a published struct neither is nor holds this type",
    note = "other processes share the memory of a published struct, so it holds instruments alone, each in place: `Counter`, `Gauge`, `ShardedCounter`, `CachePadded` of those, `AtomicU64`, `AtomicI64`, and flattened structs of these",
    note = "whatever else belongs to the backend stands beside the published struct, in the one that owns both"
)]
pub trait InPlace {
    #[doc(hidden)]
    fn only_the_derive_may_implement_this();
}

/// What a published struct holds instead of a field that is skipped: nothing that may be published.
pub struct SkippedField;

macro_rules! in_place {
    ($([$($parameter:ident)?] $ty:ty),*) => {$(
        impl<$($parameter: ?Sized)?> InPlace for $ty {
            fn only_the_derive_may_implement_this() {}
        }
    )*};
}

in_place!([] Counter, [] Gauge, [] ShardedCounter, [T] PhantomData<T>);

impl<I: InPlace> InPlace for CachePadded<I> {
    fn only_the_derive_may_implement_this() {}
}

#[cfg(target_has_atomic = "64")]
in_place!([] core::sync::atomic::AtomicU64, [] core::sync::atomic::AtomicI64);
#[cfg(feature = "portable-atomic")]
in_place!([] portable_atomic::AtomicU64, [] portable_atomic::AtomicI64);
