//! Counts the outcome of a function, or of the boxed future that it returns.

#[cfg(feature = "alloc")]
use alloc::boxed::Box;
#[cfg(feature = "alloc")]
use core::{future::Future, pin::Pin};
use core::{marker::PhantomData, ops::Deref, task::Poll};

#[cfg(feature = "alloc")]
use super::watch;
use super::{Cancellation, Fallible, Outcome};

/// Code that is called with the result of a function, or with the output of the future that the function returned.
pub trait OnComplete<R>: Sized {
    fn on_complete(self, result: &R);

    /// Returns the flag to set while the future waits, or `None` if cancellations are not counted.
    fn waits(&mut self) -> Option<&mut bool> {
        None
    }
}

/// An [`OnComplete`] that calls the closure with the outcome of the result.
pub struct OnOutcome<F>(F);

/// Creates an [`OnOutcome`]. The bound lets rustc infer the type of the closure's argument.
#[inline]
pub fn on_outcome<E, F: FnOnce(Outcome<'_, E>)>(on_complete: F) -> OnOutcome<F> {
    OnOutcome(on_complete)
}

impl<R: Fallible, F: FnOnce(Outcome<'_, R::Error>)> OnComplete<R> for OnOutcome<F> {
    #[inline]
    fn on_complete(self, result: &R) {
        (self.0)(result.outcome());
    }
}

/// An [`OnComplete`] that calls the closure and ignores the result.
pub struct OnEnd<F>(pub F);

impl<R, F: FnOnce()> OnComplete<R> for OnEnd<F> {
    #[inline]
    fn on_complete(self, _: &R) {
        (self.0)();
    }
}

/// An [`OnComplete`] together with the guard that counts the cancellation of the future.
pub struct WithCancellation<S, P: Deref, C: Fn(&P::Target)>(pub S, pub Cancellation<P, C>);

impl<R, S: OnComplete<R>, P: Deref, C: Fn(&P::Target)> OnComplete<R> for WithCancellation<S, P, C> {
    #[inline]
    fn on_complete(self, result: &R) {
        self.0.on_complete(result);
    }

    #[inline]
    fn waits(&mut self) -> Option<&mut bool> {
        Some(&mut self.1.waits)
    }
}

/// Boxes the future that counts, for a function that returns a boxed future.
#[cfg(feature = "alloc")]
pub fn boxed<F: Future>(future: F) -> Pin<Box<F>> {
    Box::pin(future)
}

/// Determines whether a return type is a boxed future, which may have an alias such as `BoxFuture<'_, T>` or `Self::Future`.
/// The `__when` of this type exists only for boxed futures. For all other types, method resolution finds the `__when` of
/// the `Deref` target, as with [`Probe`](super::Probe).
pub struct ReturnType<T: ?Sized>(ReturnTypeFallback<T>);

/// The `Deref` target of [`ReturnType`], for types that are not known to be a boxed future.
pub struct ReturnTypeFallback<T: ?Sized>(PhantomData<T>);

impl<T: ?Sized> ReturnType<T> {
    #[inline]
    #[must_use]
    #[allow(clippy::new_without_default)] // generated code does not need `Default`
    pub fn new() -> Self {
        Self(ReturnTypeFallback(PhantomData))
    }
}

impl<T: ?Sized> Deref for ReturnType<T> {
    type Target = ReturnTypeFallback<T>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T: ?Sized> ReturnTypeFallback<T> {
    #[inline]
    #[must_use]
    pub fn __when(&self) -> Immediate {
        Immediate
    }
}

/// A function that does its work before it returns.
#[derive(Clone, Copy)]
pub struct Immediate;

/// A function that returns a boxed future, which does the work.
#[derive(Clone, Copy)]
pub struct Deferred;

impl Immediate {
    #[inline]
    pub fn is_immediate(self) -> bool {
        true
    }

    #[inline]
    pub fn record_return<T, N: OnComplete<T>, L>(self, result: T, now: N, _: L) -> T {
        now.on_complete(&result);
        result
    }
}

impl Deferred {
    #[inline]
    pub fn is_immediate(self) -> bool {
        false
    }

    #[inline]
    pub fn record_return<T: RecordReturn<(), L>, N, L>(self, result: T, _: N, later: L) -> T {
        result.record_return((), later)
    }
}

/// A return type whose errors can be counted, and the type of the errors.
#[diagnostic::on_unimplemented(
    message = "`#[metrics]` cannot see whether a `{Self}` is an error",
    label = "this return type is not a `Result`"
)]
pub trait ReturnsErrors {
    type Error;
}

/// A boxed future, under any alias: the return type of a function whose cancellation can be counted.
#[diagnostic::on_unimplemented(
    message = "`cancelled` needs a function that returns a future, and `{Self}` is not a future that `#[metrics]` can watch",
    label = "this return type is not a boxed future",
    note = "`cancelled` needs an `async fn`, or a function that returns `impl Future` or a boxed future, by any alias"
)]
pub trait BoxedFuture {}

/// Causes a compile error if the return type `T` is not a boxed future.
#[inline]
pub fn assert_boxed_future<T: BoxedFuture + ?Sized>() {}

/// A returned value whose outcome can be counted.
///
/// If the value is a result, its outcome is counted immediately, by `now`. If the value is a boxed future, the outcome is
/// counted when the future completes: `later` is called immediately, obtains handles to the instruments, and returns a closure.
/// The future calls this closure at its first poll, to create the [`OnComplete`] that counts.
#[diagnostic::on_unimplemented(
    message = "`#[metrics]` cannot see whether a `{Self}` is an error",
    label = "this return type is not a `Result`",
    note = "`errors` and `ok` need `Result`, `Option<Result>`, `Poll<Result>`, `Poll<Option<Result>>`, by any alias, and futures of these, `impl Future` or boxed; for anything else use `calls`, `in_flight` and `time`"
)]
pub trait RecordReturn<N, L>: Sized {
    #[must_use]
    fn record_return(self, now: N, later: L) -> Self;
}

macro_rules! immediate {
    ($ty:ty) => {
        #[diagnostic::do_not_recommend]
        impl<T, E> ReturnsErrors for $ty {
            type Error = E;
        }

        #[diagnostic::do_not_recommend]
        impl<T, E, N: OnComplete<Self>, L> RecordReturn<N, L> for $ty {
            #[inline]
            fn record_return(self, now: N, _: L) -> Self {
                now.on_complete(&self);
                self
            }
        }
    };
}

immediate!(Result<T, E>);
immediate!(Option<Result<T, E>>);
immediate!(Poll<Result<T, E>>);
immediate!(Poll<Option<Result<T, E>>>);

macro_rules! deferred {
    ($($bound:ident)*) => {
        #[cfg(feature = "alloc")]
        impl<R> ReturnType<Pin<Box<dyn Future<Output = R> $(+ $bound)* + '_>>> {
            #[inline]
            #[must_use]
            pub fn __when(&self) -> Deferred {
                Deferred
            }
        }

        #[cfg(feature = "alloc")]
        #[diagnostic::do_not_recommend]
        impl<R: Fallible> ReturnsErrors for Pin<Box<dyn Future<Output = R> $(+ $bound)* + '_>> {
            type Error = R::Error;
        }

        #[cfg(feature = "alloc")]
        #[diagnostic::do_not_recommend]
        impl<R> BoxedFuture for Pin<Box<dyn Future<Output = R> $(+ $bound)* + '_>> {}

        #[cfg(feature = "alloc")]
        #[diagnostic::do_not_recommend]
        impl<'a, R, N, L, B, S> RecordReturn<N, L> for Pin<Box<dyn Future<Output = R> $(+ $bound)* + 'a>>
        where
            R: 'a,
            L: FnOnce() -> B,
            B: FnOnce() -> S $(+ $bound)* + 'a,
            S: OnComplete<R> $(+ $bound)* + 'a,
        {
            fn record_return(self, _: N, later: L) -> Self {
                let begin = later();
                Box::pin(async move {
                    let mut on_complete = begin();
                    let mut future = self;
                    let result = match on_complete.waits() {
                        Some(waits) => watch(waits, future.as_mut()).await,
                        None => future.await,
                    };
                    on_complete.on_complete(&result);
                    result
                })
            }
        }
    };
}

deferred!();
deferred!(Send);
deferred!(Send Sync);
