//! Finds metrics and instruments behind pointers, and makes handles to them. A handle, such as a clone of an `Arc`, is kept to
//! count later.

#[cfg(feature = "alloc")]
use alloc::{rc::Rc, sync::Arc};
use core::{marker::PhantomData, ops::Deref, time::Duration};

use super::{ErrorCounter, ErrorFamily};
use crate::{Inc, IncDec, RecordDuration};

/// A reference to metrics, to an instrument, or to a pointer to either. Generated code calls a method on a `Probe` without
/// knowing the type `T`, and rustc selects the implementation: the methods for special cases (an `Option`, a shared pointer)
/// are on `Probe`, and the methods for the general case are on its `Deref` target, where method resolution looks next.
///
/// The methods' names begin with `__`, so that no user's trait has a method of the same name. If such a trait were implemented
/// for all types, rustc would find the trait's method before the method of the `Deref` target.
pub struct Probe<'a, T: ?Sized>(ProbeFallback<'a, T>);

/// The `Deref` target of [`Probe`], with the methods for types that are not a special case.
pub struct ProbeFallback<'a, T: ?Sized>(&'a T);

#[inline]
pub fn probe<T: ?Sized>(found: &T) -> Probe<'_, T> {
    Probe(ProbeFallback(found))
}

impl<'a, T: ?Sized> Deref for Probe<'a, T> {
    type Target = ProbeFallback<'a, T>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a, T: ?Sized> ProbeFallback<'a, T> {
    /// Returns the metrics, which are always present.
    #[inline]
    pub fn __present(&self) -> Option<&'a T> {
        Some(self.0)
    }

    /// Returns a handle that borrows the value.
    #[inline]
    pub fn __share(&self) -> &'a T {
        self.0
    }

    /// Selects how the handle of a field is made. This field is not a shared pointer, so its handle is a [`Part`]: the
    /// handle of the metrics, and a closure that returns the field of these metrics.
    #[inline]
    pub fn __part(&self) -> ProjectHandle {
        ProjectHandle
    }
}

// One impl for all `MaybeAbsent` types: if there were several impls, rustc's error about a missing field `metrics` would list
// each of these impls.
impl<'a, T: MaybeAbsent> Probe<'a, T> {
    /// Returns the metrics if they are present.
    #[inline]
    pub fn __present(&self) -> Option<&'a T::Metrics> {
        self.0.0.present()
    }
}

/// Metrics that may be absent: an `Option`, a reference to an `Option`, or a handle to an `Option`.
pub trait MaybeAbsent {
    type Metrics;
    fn present(&self) -> Option<&Self::Metrics>;
}

impl<M> MaybeAbsent for Option<M> {
    type Metrics = M;

    #[inline]
    fn present(&self) -> Option<&M> {
        self.as_ref()
    }
}

impl<T: MaybeAbsent> MaybeAbsent for &T {
    type Metrics = T::Metrics;

    #[inline]
    fn present(&self) -> Option<&T::Metrics> {
        T::present(self)
    }
}

impl<H: Deref, T: MaybeAbsent, F: Fn(&H::Target) -> &T> MaybeAbsent for Part<H, T, F> {
    type Metrics = T::Metrics;

    #[inline]
    fn present(&self) -> Option<&T::Metrics> {
        T::present(self)
    }
}

macro_rules! shared {
    ([$($lifetime:lifetime)?] $pointer:ty) => {
        impl<$($lifetime,)? M: ?Sized> Probe<'_, $pointer> {
            /// Returns a handle that shares the value.
            #[inline]
            pub fn __share(&self) -> $pointer {
                self.0.0.clone()
            }

            /// Selects how the handle of a field is made. This field is a shared pointer, so its handle is a clone
            /// of the field.
            #[inline]
            pub fn __part(&self) -> CloneHandle {
                CloneHandle
            }
        }

        #[diagnostic::do_not_recommend]
        impl<$($lifetime,)? M: ?Sized> UsableAfterMove for $pointer {}
        #[diagnostic::do_not_recommend]
        impl<$($lifetime,)? M: ?Sized> UsableWhileBorrowed for $pointer {}
        #[diagnostic::do_not_recommend]
        impl<$($lifetime,)? M: ?Sized> UsableBesideMacros for $pointer {}
        #[diagnostic::do_not_recommend]
        impl<$($lifetime,)? M: ?Sized> UsableInStaticFuture for $pointer {}
    };
}

shared!(['m] &'m M);
shared!(['m] Option<&'m M>);
#[cfg(feature = "alloc")]
shared!([] Rc<M>);
#[cfg(feature = "alloc")]
shared!([] Option<Rc<M>>);
#[cfg(feature = "alloc")]
shared!([] Arc<M>);
#[cfg(feature = "alloc")]
shared!([] Option<Arc<M>>);

/// Makes a [`Part`], which is the handle of a field, from the handle of the metrics.
#[derive(Clone, Copy)]
pub struct ProjectHandle;

impl ProjectHandle {
    #[inline]
    pub fn of<H: Deref, T, F>(self, whole: H, get: F) -> Part<H, T, F>
    where
        F: Fn(&H::Target) -> &T,
    {
        Part { whole, get, is: PhantomData }
    }
}

/// Makes the handle of a field that is a shared pointer: a clone of the field.
#[derive(Clone, Copy)]
pub struct CloneHandle;

impl CloneHandle {
    #[inline]
    #[allow(clippy::needless_pass_by_value)] // same signature as `ProjectHandle::of`
    pub fn of<H: Deref, T: Clone, F>(self, whole: H, get: F) -> T
    where
        F: Fn(&H::Target) -> &T,
    {
        get(&whole).clone()
    }
}

/// The handle of a field: the handle of the metrics that contain it, and the closure that returns the field.
pub struct Part<H, T, F> {
    whole: H,
    get: F,
    is: PhantomData<fn() -> T>,
}

impl<H: Clone, T, F: Clone> Clone for Part<H, T, F> {
    fn clone(&self) -> Self {
        Self { whole: self.whole.clone(), get: self.get.clone(), is: PhantomData }
    }
}

impl<H: Deref, T, F: Fn(&H::Target) -> &T> Deref for Part<H, T, F> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        (self.get)(&self.whole)
    }
}

#[diagnostic::do_not_recommend]
impl<H: Deref, T: Inc, F: Fn(&H::Target) -> &T> Inc for Part<H, T, F> {
    #[inline]
    fn inc(&self) {
        T::inc(self);
    }
}

#[diagnostic::do_not_recommend]
impl<H: Deref, T: IncDec, F: Fn(&H::Target) -> &T> IncDec for Part<H, T, F> {
    #[inline]
    fn inc(&self) {
        T::inc(self);
    }

    #[inline]
    fn dec(&self) {
        T::dec(self);
    }
}

#[diagnostic::do_not_recommend]
impl<H: Deref, T: RecordDuration, F: Fn(&H::Target) -> &T> RecordDuration for Part<H, T, F> {
    #[inline]
    fn record_duration(&self, duration: Duration, n: u64) {
        T::record_duration(self, duration, n);
    }
}

#[diagnostic::do_not_recommend]
impl<E, H, T, F> ErrorCounter<E> for Part<H, T, F>
where
    E: ?Sized,
    H: Deref,
    T: ErrorCounter<E>,
    F: Fn(&H::Target) -> &T,
{
    #[inline]
    fn count_error(error: &E, metrics: &Self) {
        T::count_error(error, metrics);
    }
}

#[diagnostic::do_not_recommend]
impl<L, H: Deref, T: ErrorFamily<L>, F: Fn(&H::Target) -> &T> ErrorFamily<L> for Part<H, T, F> {
    #[inline]
    fn count_label(label: L, metrics: &Self) {
        T::count_label(label, metrics);
    }
}

/// Metrics that remain accessible after the `self` that holds them has been moved.
#[diagnostic::on_unimplemented(
    message = "this method moves `self`, and with it `{Self}`, before the outcome can be counted",
    label = "these metrics belong to `self` alone",
    note = "share them, as in `metrics: Arc<{Self}>`, or count in a static"
)]
pub trait UsableAfterMove {}

/// Metrics that can be used while the `self` that holds them is mutably borrowed.
#[diagnostic::on_unimplemented(
    message = "the returned value still borrows `self`, and with it `{Self}`, when the outcome is counted",
    label = "these metrics belong to `self` alone",
    note = "share them, as in `metrics: Arc<{Self}>`, or count in a static"
)]
pub trait UsableWhileBorrowed {}

/// Metrics that can be used while the body uses all of the `self` that holds them.
#[diagnostic::on_unimplemented(
    message = "a macro in the body uses all of `self`, so `{Self}` cannot be used at the same time",
    label = "these metrics belong to `self` alone",
    note = "bind what the macro needs before it, as in `let this = self;`, share the metrics, as in `metrics: Arc<{Self}>`, or count in a static"
)]
pub trait UsableBesideMacros {}

/// Metrics that a future can use even if the future must not borrow anything.
#[diagnostic::on_unimplemented(
    message = "the returned future borrows nothing, so it cannot count in `{Self}`, which belongs to `self`",
    label = "these metrics belong to `self` alone",
    note = "share them, as in `metrics: Arc<{Self}>`, count in a static, or let the future borrow `self`: `Pin<Box<dyn Future<Output = …> + '_>>`"
)]
pub trait UsableInStaticFuture {}

/// Causes a compile error if a future that borrows nothing cannot use the metrics.
#[inline]
pub fn assert_usable_in_static_future<M: UsableInStaticFuture + ?Sized>(_: &M) {}

/// Causes a compile error if the metrics cannot be used after `self` has been moved.
#[inline]
pub fn assert_usable_after_move<M: UsableAfterMove + ?Sized>(_: &M) {}

/// Causes a compile error if the metrics cannot be used while `self` is mutably borrowed.
#[inline]
pub fn assert_usable_while_borrowed<M: UsableWhileBorrowed + ?Sized>(_: &M) {}

/// Causes a compile error if the metrics cannot be used while the body uses all of `self`.
#[inline]
pub fn assert_usable_beside_macros<M: UsableBesideMacros + ?Sized>(_: &M) {}
