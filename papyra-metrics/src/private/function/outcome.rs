//! The outcome of a call, and the error counter of a struct.

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, rc::Rc, sync::Arc};
use core::task::Poll;

/// A return type whose errors can be counted. If results are nested, the outer result determines the outcome.
#[diagnostic::on_unimplemented(
    message = "`#[metrics]` cannot see whether a `{Self}` is an error",
    label = "this return type is not a `Result`",
    note = "`errors` and `ok` need `Result`, `Option<Result>`, `Poll<Result>`, `Poll<Option<Result>>`, by any alias, and futures of these; for anything else use `calls`, `in_flight` and `time`"
)]
pub trait Fallible {
    type Error;

    fn outcome(&self) -> Outcome<'_, Self::Error>;
}

/// The outcome of a call. `Pending` and `None` are neither an error nor a success.
pub struct Outcome<'a, E> {
    pub error: Option<&'a E>,
    pub is_ok: bool,
}

macro_rules! fallible {
    ($ty:ty, $error:ident in $err:pat, $ok:pat) => {
        #[diagnostic::do_not_recommend] // the note lists these types
        #[allow(clippy::redundant_pattern_matching)] // of the four types, `Result` alone has `is_ok`
        impl<T, E> Fallible for $ty {
            type Error = E;

            #[inline]
            fn outcome(&self) -> Outcome<'_, E> {
                let error = if let $err = self { Some($error) } else { None };
                Outcome { error, is_ok: matches!(self, $ok) }
            }
        }
    };
}

fallible!(Result<T, E>, error in Err(error), Ok(_));
fallible!(Option<Result<T, E>>, error in Some(Err(error)), Some(Ok(_)));
fallible!(Poll<Result<T, E>>, error in Poll::Ready(Err(error)), Poll::Ready(Ok(_)));
fallible!(
    Poll<Option<Result<T, E>>>,
    error in Poll::Ready(Some(Err(error))),
    Poll::Ready(Some(Ok(_)))
);

/// A struct with a field marked `#[metrics(errors)]`, or a pointer to such a struct.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no error counter",
    label = "bare `errors` counts in the field marked `#[metrics(errors)]`",
    note = "derive `Metrics` for the struct and mark one of its counters with `#[metrics(errors)]`, or name the counter: `#[metrics(errors = write_errors)]`"
)]
#[doc(hidden)]
pub trait ErrorCounter<E: ?Sized> {
    /// Counts one error.
    fn count_error(error: &E, metrics: &Self);
}

/// A struct whose field marked `#[metrics(errors)]` is a family with this label, or a pointer to such a struct.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no family of errors with the label `{L}`",
    label = "bare `errors` counts in the field marked `#[metrics(errors)]`, and `errors_by` returns a `{L}`",
    note = "mark a `Family<{L}, Counter>` with `#[metrics(errors)]`, or name the family: `errors = write_errors`"
)]
#[doc(hidden)]
pub trait ErrorFamily<L> {
    /// Counts one error with this label.
    fn count_label(label: L, metrics: &Self);
}

macro_rules! error_counter_through {
    ($pointer:ty) => {
        #[diagnostic::do_not_recommend]
        impl<E: ?Sized, M: ErrorCounter<E> + ?Sized> ErrorCounter<E> for $pointer {
            #[inline]
            fn count_error(error: &E, metrics: &Self) {
                M::count_error(error, metrics);
            }
        }

        #[diagnostic::do_not_recommend]
        impl<L, M: ErrorFamily<L> + ?Sized> ErrorFamily<L> for $pointer {
            #[inline]
            fn count_label(label: L, metrics: &Self) {
                M::count_label(label, metrics);
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
impl<E: ?Sized, M: ErrorCounter<E>, F: FnOnce() -> M> ErrorCounter<E>
    for std::sync::LazyLock<M, F>
{
    #[inline]
    fn count_error(error: &E, metrics: &Self) {
        M::count_error(error, metrics);
    }
}

#[cfg(feature = "std")]
#[diagnostic::do_not_recommend]
impl<L, M: ErrorFamily<L>, F: FnOnce() -> M> ErrorFamily<L> for std::sync::LazyLock<M, F> {
    #[inline]
    fn count_label(label: L, metrics: &Self) {
        M::count_label(label, metrics);
    }
}

#[cfg(feature = "publish")]
error_counter_through!(crate::publish::Published<M>);
