//! What the code around a measured function calls. Shown as a part of `__private`.

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, rc::Rc, sync::Arc};
#[cfg(feature = "alloc")]
use core::{future::Future, pin::Pin};
use core::{marker::PhantomData, ops::Deref, task::Poll};

use crate::{Count, UpDown};

/// Runs a body in a scope of its own, where `return` and `?` end. Passed to a function, and not called on the
/// spot, the closure is `FnOnce`: only then may a `&mut` leave it.
#[inline]
pub fn call<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// Takes a value into the scope in which it is named.
#[inline]
pub fn take<T>(_: T) {}

/// What a function can return when its failures are counted. Not for nested ones: the outer one decides.
#[diagnostic::on_unimplemented(
    message = "`#[metrics]` cannot tell a failure in `{Self}`",
    label = "this return type is not a `Result`",
    note = "`errors` and `ok` understand `Result`, `Option<Result>`, `Poll<Result>`, `Poll<Option<Result>>`, by any alias, and futures of these; anything else takes `calls` and `in_flight` only"
)]
pub trait Outcome {
    fn verdict(&self) -> Verdict;
}

/// What has become of a call. Both are false where it is not over, or was for nothing.
#[derive(Clone, Copy)]
pub struct Verdict {
    pub failed: bool,
    pub succeeded: bool,
}

macro_rules! outcome {
    ($ty:ty, $failed:pat, $succeeded:pat) => {
        #[diagnostic::do_not_recommend] // the note lists them in words
        #[allow(clippy::redundant_pattern_matching)] // of the four types, `Result` alone has `is_err`
        impl<T, E> Outcome for $ty {
            #[inline]
            fn verdict(&self) -> Verdict {
                Verdict { failed: matches!(self, $failed), succeeded: matches!(self, $succeeded) }
            }
        }
    };
}

outcome!(Result<T, E>, Err(_), Ok(_));
outcome!(Option<Result<T, E>>, Some(Err(_)), Some(Ok(_)));
outcome!(Poll<Result<T, E>>, Poll::Ready(Err(_)), Poll::Ready(Ok(_)));
outcome!(Poll<Option<Result<T, E>>>, Poll::Ready(Some(Err(_))), Poll::Ready(Some(Ok(_))));

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

impl<'a, M> Reach<'a, Option<M>> {
    /// What is there, if it is.
    #[inline]
    pub fn __present(&self) -> Option<&'a M> {
        self.0.0.as_ref()
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
impl<H: Deref, T: Count, F: Fn(&H::Target) -> &T> Count for Part<H, T, F> {
    #[inline]
    fn count(&self) {
        T::count(self);
    }
}

#[diagnostic::do_not_recommend]
impl<H: Deref, T: UpDown, F: Fn(&H::Target) -> &T> UpDown for Part<H, T, F> {
    #[inline]
    fn up(&self) {
        T::up(self);
    }

    #[inline]
    fn down(&self) {
        T::down(self);
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

/// A struct with a field marked `#[metrics(errors)]`, or a pointer to one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no error counter",
    label = "bare `errors` counts in the field that is marked so",
    note = "derive `Metrics` for the struct and mark one of its counters with `#[metrics(errors)]`, or name the counter: `#[metrics(errors = write_errors)]`"
)]
pub trait ErrorCounter {
    /// Counts one error.
    fn count_error(&self);
}

macro_rules! error_counter_through {
    ($pointer:ty) => {
        #[diagnostic::do_not_recommend]
        impl<M: ErrorCounter + ?Sized> ErrorCounter for $pointer {
            #[inline]
            fn count_error(&self) {
                M::count_error(self);
            }
        }
    };
}

error_counter_through!(&M);
#[cfg(feature = "alloc")]
error_counter_through!(Box<M>);
#[cfg(feature = "alloc")]
error_counter_through!(Rc<M>);
#[cfg(feature = "alloc")]
error_counter_through!(Arc<M>);
#[cfg(feature = "publish")]
error_counter_through!(crate::publish::Published<M>);

/// A change of a gauge.
#[derive(Clone, Copy)]
pub struct Step(bool);

impl Step {
    #[inline]
    pub fn make(self, gauge: &(impl UpDown + ?Sized)) {
        if self.0 { gauge.up() } else { gauge.down() }
    }
}

/// Something is in flight while this lives, however it ends. Holds the place of the gauge, and how to step it.
pub struct InFlight<P: Deref, S: Fn(&P::Target, Step)> {
    pub place: P,
    step: S,
}

impl<P: Deref, S: Fn(&P::Target, Step)> InFlight<P, S> {
    #[inline]
    pub fn new(place: P, step: S) -> Self {
        step(&place, Step(true));
        Self { place, step }
    }
}

impl<P: Deref, S: Fn(&P::Target, Step)> Drop for InFlight<P, S> {
    #[inline]
    fn drop(&mut self) {
        (self.step)(&self.place, Step(false));
    }
}

/// A place of its own.
pub struct Owned<T>(pub T);

impl<T> Deref for Owned<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

/// Looks at what a function, or the future that it has returned, came to.
pub trait See<R> {
    fn see(self, result: &R);
}

/// Sees whether it failed or succeeded.
pub struct Judge<F>(F);

/// The bound tells a closure its argument.
#[inline]
pub fn judge<F: FnOnce(Verdict)>(see: F) -> Judge<F> {
    Judge(see)
}

impl<R: Outcome, F: FnOnce(Verdict)> See<R> for Judge<F> {
    #[inline]
    fn see(self, result: &R) {
        (self.0)(result.verdict());
    }
}

/// Sees only that it has ended.
pub struct End<F>(pub F);

impl<R, F: FnOnce()> See<R> for End<F> {
    #[inline]
    fn see(self, _: &R) {
        (self.0)();
    }
}

/// A future in a box, like the one that the function has made.
#[cfg(feature = "alloc")]
pub fn boxed<F: Future>(future: F) -> Pin<Box<F>> {
    Box::pin(future)
}

/// A return type that is only a name: `BoxFuture<'_, T>`, `Self::Future`. Says whether what is counted happens when
/// the function returns, or later. As with [`Reach`], the special cases stand on this type.
pub struct Returned<T: ?Sized>(Anything<T>);

/// No boxed future, as far as is known.
pub struct Anything<T: ?Sized>(PhantomData<T>);

impl<T: ?Sized> Returned<T> {
    #[inline]
    #[must_use]
    #[allow(clippy::new_without_default)] // one way to make it is enough for generated code
    pub fn new() -> Self {
        Self(Anything(PhantomData))
    }
}

impl<T: ?Sized> Deref for Returned<T> {
    type Target = Anything<T>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T: ?Sized> Anything<T> {
    #[inline]
    #[must_use]
    pub fn __when(&self) -> Now {
        Now
    }
}

/// The function does its work before it returns.
#[derive(Clone, Copy)]
pub struct Now;

/// The function returns a future in a box, which does the work.
#[derive(Clone, Copy)]
pub struct Later;

impl Now {
    #[inline]
    pub fn is_now(self) -> bool {
        true
    }

    #[inline]
    pub fn finish<T, L>(self, result: T, _: L) -> T {
        result
    }
}

impl Later {
    #[inline]
    pub fn is_now(self) -> bool {
        false
    }

    #[inline]
    pub fn finish<T: Finish<(), L>, L>(self, result: T, later: L) -> T {
        result.finish((), later)
    }
}

/// Counts what a function returned now, or has the future count what it returns later: only then is `later` called,
/// which shares what the future counts in, and gives what the future begins with.
#[diagnostic::on_unimplemented(
    message = "`#[metrics]` cannot tell a failure in `{Self}`",
    label = "this return type is not a `Result`",
    note = "`errors` and `ok` understand `Result`, `Option<Result>`, `Poll<Result>`, `Poll<Option<Result>>`, by any alias, and futures of these, `impl Future` or boxed; anything else takes `calls` and `in_flight` only"
)]
pub trait Finish<N, L>: Sized {
    #[must_use]
    fn finish(self, now: N, later: L) -> Self;
}

macro_rules! now {
    ($ty:ty) => {
        #[diagnostic::do_not_recommend]
        impl<T, E, N: See<Self>, L> Finish<N, L> for $ty {
            #[inline]
            fn finish(self, now: N, _: L) -> Self {
                now.see(&self);
                self
            }
        }
    };
}

now!(Result<T, E>);
now!(Option<Result<T, E>>);
now!(Poll<Result<T, E>>);
now!(Poll<Option<Result<T, E>>>);

macro_rules! later {
    ($($bound:ident)*) => {
        #[cfg(feature = "alloc")]
        impl<R> Returned<Pin<Box<dyn Future<Output = R> $(+ $bound)* + '_>>> {
            #[inline]
            #[must_use]
            pub fn __when(&self) -> Later {
                Later
            }
        }

        #[cfg(feature = "alloc")]
        #[diagnostic::do_not_recommend]
        impl<'a, R, N, L, B, S> Finish<N, L> for Pin<Box<dyn Future<Output = R> $(+ $bound)* + 'a>>
        where
            R: 'a,
            L: FnOnce() -> B,
            B: FnOnce() -> S $(+ $bound)* + 'a,
            S: See<R> $(+ $bound)* + 'a,
        {
            fn finish(self, _: N, later: L) -> Self {
                let begin = later();
                Box::pin(async move {
                    let see = begin();
                    let result = self.await;
                    see.see(&result);
                    result
                })
            }
        }
    };
}

later!();
later!(Send);
later!(Send Sync);
