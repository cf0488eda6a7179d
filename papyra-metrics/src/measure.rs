//! What the code around a measured function calls. Shown as a part of `__private`.

mod later;
mod reach;

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, rc::Rc, sync::Arc};
use core::{ops::Deref, task::Poll};

pub use self::later::*;
pub use self::reach::*;
use crate::IncDec;

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
    pub fn make(self, gauge: &(impl IncDec + ?Sized)) {
        if self.0 { gauge.inc() } else { gauge.dec() }
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

/// The metrics of `self`. A macro of its own, because rustc shows its name in the errors about a missing field.
#[doc(hidden)]
#[macro_export]
macro_rules! __metrics_of_self {
    ($this:tt) => {
        $this.metrics
    };
}
pub use __metrics_of_self as counters_are_looked_up_in_self_metrics__name_another_place_with_at;
