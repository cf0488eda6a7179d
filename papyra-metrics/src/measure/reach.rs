//! The places of metrics and counters, and handles on them that outlast what holds them.

#[cfg(feature = "alloc")]
use alloc::{rc::Rc, sync::Arc};
use core::{marker::PhantomData, ops::Deref};

use super::ErrorCounter;
use crate::{Inc, IncDec};

/// A place where metrics or counters are, looked at through what it may be: an `Option`, a shared pointer, or
/// the thing itself. The methods of the special cases stand on this type, those of the general case behind its
/// `Deref`, where method calls look next; their names are in no trait that a user might implement for everything.
pub struct Reach<'a, T: ?Sized>(Itself<'a, T>);

/// Neither an `Option` nor a shared pointer.
pub struct Itself<'a, T: ?Sized>(&'a T);

#[inline]
pub fn at<T: ?Sized>(place: &T) -> Reach<'_, T> {
    Reach(Itself(place))
}

impl<'a, T: ?Sized> Deref for Reach<'a, T> {
    type Target = Itself<'a, T>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a, T: ?Sized> Itself<'a, T> {
    /// What is there, and always is.
    #[inline]
    pub fn __present(&self) -> Option<&'a T> {
        Some(self.0)
    }

    /// A handle that borrows the place.
    #[inline]
    pub fn __share(&self) -> &'a T {
        self.0
    }

    /// A part of something is reached through a handle on that.
    #[inline]
    pub fn __part(&self) -> Through {
        Through
    }
}

// One impl for all of them: of several, rustc would list each in the error about a missing `metrics`.
impl<'a, T: MaybeAbsent> Reach<'a, T> {
    /// The metrics, if there are any.
    #[inline]
    pub fn __present(&self) -> Option<&'a T::Metrics> {
        self.0.0.present()
    }
}

/// Metrics that may be absent, and handles on these.
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
        impl<$($lifetime,)? M: ?Sized> Reach<'_, $pointer> {
            /// A handle that does not borrow the place.
            #[inline]
            pub fn __share(&self) -> $pointer {
                self.0.0.clone()
            }

            /// A part of something that is a handle itself.
            #[inline]
            pub fn __part(&self) -> Anew {
                Anew
            }
        }

        #[diagnostic::do_not_recommend]
        impl<$($lifetime,)? M: ?Sized> GivenAway for $pointer {}
        #[diagnostic::do_not_recommend]
        impl<$($lifetime,)? M: ?Sized> Borrowed for $pointer {}
        #[diagnostic::do_not_recommend]
        impl<$($lifetime,)? M: ?Sized> SeenByMacros for $pointer {}
        #[diagnostic::do_not_recommend]
        impl<$($lifetime,)? M: ?Sized> Outlived for $pointer {}
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

/// Makes a handle on a part from a handle on the whole.
#[derive(Clone, Copy)]
pub struct Through;

impl Through {
    #[inline]
    pub fn of<H: Deref, T, F>(self, whole: H, get: F) -> Part<H, T, F>
    where
        F: Fn(&H::Target) -> &T,
    {
        Part { whole, get, is: PhantomData }
    }
}

/// Shares the part itself.
#[derive(Clone, Copy)]
pub struct Anew;

impl Anew {
    #[inline]
    #[allow(clippy::needless_pass_by_value)] // as `Through` takes it
    pub fn of<H: Deref, T: Clone, F>(self, whole: H, get: F) -> T
    where
        F: Fn(&H::Target) -> &T,
    {
        get(&whole).clone()
    }
}

/// A handle on a part of what another one is on.
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
impl<H: Deref, T: ErrorCounter, F: Fn(&H::Target) -> &T> ErrorCounter for Part<H, T, F> {
    #[inline]
    fn count_error(&self) {
        T::count_error(self);
    }
}

/// Metrics that are still there when the `self` that holds them has been given away.
#[diagnostic::on_unimplemented(
    message = "`self` is given away, and `{Self}` goes with it before the outcome can be counted",
    label = "these metrics belong to `self` alone",
    note = "share them, as in `metrics: Arc<{Self}>`, or count in a static"
)]
pub trait GivenAway {}

/// Metrics that can be reached while the `self` that holds them is mutably borrowed.
#[diagnostic::on_unimplemented(
    message = "`self` stays borrowed by what is returned, and `{Self}` with it when the outcome is counted",
    label = "these metrics belong to `self` alone",
    note = "share them, as in `metrics: Arc<{Self}>`, or count in a static"
)]
pub trait Borrowed {}

/// Metrics that can be reached while the body uses all of the `self` that holds them.
#[diagnostic::on_unimplemented(
    message = "a macro in the body names `self`, so `{Self}` cannot be reached beside it",
    label = "these metrics belong to `self` alone",
    note = "bind what the macro needs before it, as in `let this = self;`, share the metrics, as in `metrics: Arc<{Self}>`, or count in a static"
)]
pub trait SeenByMacros {}

/// Metrics that are still there when a future that borrows nothing runs.
#[diagnostic::on_unimplemented(
    message = "the future that is returned borrows nothing, and so cannot count in `{Self}`, which belongs to `self`",
    label = "these metrics belong to `self` alone",
    note = "share them, as in `metrics: Arc<{Self}>`, count in a static, or let the future borrow `self`: `Pin<Box<dyn Future<Output = …> + '_>>`"
)]
pub trait Outlived {}

/// Asks for the bound.
#[inline]
pub fn outlived<M: Outlived + ?Sized>(_: &M) {}

/// Asks for the bound.
#[inline]
pub fn given_away<M: GivenAway + ?Sized>(_: &M) {}

/// Asks for the bound.
#[inline]
pub fn borrowed<M: Borrowed + ?Sized>(_: &M) {}

/// Asks for the bound.
#[inline]
pub fn seen_by_macros<M: SeenByMacros + ?Sized>(_: &M) {}
