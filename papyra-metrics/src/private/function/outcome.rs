//! Whether a call succeeded, and the error counter of a struct.

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, rc::Rc, sync::Arc};
use core::task::Poll;

/// A return type whose failures can be counted. Of nested results the outer one counts.
#[diagnostic::on_unimplemented(
    message = "`#[metrics]` cannot see whether a `{Self}` is an error",
    label = "this return type is not a `Result`",
    note = "`errors` and `ok` need `Result`, `Option<Result>`, `Poll<Result>`, `Poll<Option<Result>>`, by any alias, and futures of these; for anything else use `calls`, `in_flight` and `time`"
)]
pub trait Fallible {
    fn outcome(&self) -> Outcome;
}

/// How a call ended; neither for `Pending` and `None`.
#[derive(Clone, Copy)]
pub struct Outcome {
    pub is_err: bool,
    pub is_ok: bool,
}

macro_rules! fallible {
    ($ty:ty, $err:pat, $ok:pat) => {
        #[diagnostic::do_not_recommend] // the note lists them in words
        #[allow(clippy::redundant_pattern_matching)] // of the four types, `Result` alone has `is_err`
        impl<T, E> Fallible for $ty {
            #[inline]
            fn outcome(&self) -> Outcome {
                Outcome { is_err: matches!(self, $err), is_ok: matches!(self, $ok) }
            }
        }
    };
}

fallible!(Result<T, E>, Err(_), Ok(_));
fallible!(Option<Result<T, E>>, Some(Err(_)), Some(Ok(_)));
fallible!(Poll<Result<T, E>>, Poll::Ready(Err(_)), Poll::Ready(Ok(_)));
fallible!(Poll<Option<Result<T, E>>>, Poll::Ready(Some(Err(_))), Poll::Ready(Some(Ok(_))));

/// A struct with a field marked `#[metrics(errors)]`, or a pointer to one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no error counter",
    label = "bare `errors` counts in the field marked `#[metrics(errors)]`",
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
#[cfg(feature = "std")]
#[diagnostic::do_not_recommend]
impl<M: ErrorCounter, F: FnOnce() -> M> ErrorCounter for std::sync::LazyLock<M, F> {
    #[inline]
    fn count_error(&self) {
        M::count_error(self);
    }
}

#[cfg(feature = "publish")]
error_counter_through!(crate::publish::Published<M>);
