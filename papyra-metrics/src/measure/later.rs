//! What a function has returned, or its future will: judged now or later.

#[cfg(feature = "alloc")]
use alloc::boxed::Box;
#[cfg(feature = "alloc")]
use core::{future::Future, pin::Pin};
use core::{marker::PhantomData, ops::Deref, task::Poll};

use super::{Outcome, Verdict};

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
/// the function returns, or later. As with [`Reach`](super::Reach), the special cases stand on this type.
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
