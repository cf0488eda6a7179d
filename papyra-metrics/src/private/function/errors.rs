//! Counts errors for the key `errors`: in a counter, or, if a family is given, in the member with the error's label.

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, rc::Rc, sync::Arc};
use core::ops::Deref;

use super::Part;
use crate::{CachePadded, Family, FamilyRow, Inc, Label, Member};

/// An instrument that counts errors of type `E`: a counter, or a family of counters whose label the error converts to.
#[diagnostic::on_unimplemented(
    message = "errors of type `{E}` cannot be counted in `{Self}`",
    label = "expected a `papyra_metrics::Counter`, or a `Family` of counters whose label the error converts to",
    note = "errors are counted in a `Counter` or an `AtomicU64`, a reference, `Box`, `Rc` or `Arc` of one, an `Option` of those, or a `Family` of counters; for an instrument of your own, implement `papyra_metrics::Inc`",
    note = "for a family, write `impl From<&{E}>` for its label, or name a function from the error to the label: `errors_by = label_of`",
    note = "if a family has several labels, all but the last may be given: `errors = write_errors[Op::Put]`"
)]
pub trait CountError<E: ?Sized> {
    /// Counts the error. The error is the first argument, so that its type is known when rustc checks the type of the
    /// counter.
    fn count_error(error: &E, counter: &Self);
}

#[diagnostic::do_not_recommend]
impl<E: ?Sized, I: Inc + ?Sized> CountError<E> for I {
    #[inline]
    fn count_error(_: &E, counter: &Self) {
        counter.inc();
    }
}

impl<E: ?Sized, L: LabelOf<E>, I: Member + Inc> CountError<E> for Family<L, I> {
    #[inline]
    fn count_error(error: &E, family: &Self) {
        family[L::label_of(error)].inc();
    }
}

#[diagnostic::do_not_recommend]
impl<E: ?Sized, L: LabelOf<E>, I: Inc> CountError<E> for FamilyRow<L, I> {
    #[inline]
    fn count_error(error: &E, row: &Self) {
        row[L::label_of(error)].inc();
    }
}

/// A label to which errors of type `E` convert.
#[diagnostic::on_unimplemented(
    message = "the error `{E}` does not convert to the label `{Self}`",
    label = "errors are counted by the label `{Self}`",
    note = "write `impl From<&{E}> for {Self}`, or name a function from the error to the label: `errors_by = label_of`"
)]
pub trait LabelOf<E: ?Sized>: Label {
    fn label_of(error: &E) -> Self;
}

#[diagnostic::do_not_recommend]
impl<E: ?Sized, L: Label + for<'e> From<&'e E>> LabelOf<E> for L {
    #[inline]
    fn label_of(error: &E) -> Self {
        Self::from(error)
    }
}

/// A family with the label that `errors_by` returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a family of counters with the label `{L}`",
    label = "`errors_by` returns a `{L}`",
    note = "`errors_by` chooses the member of a `Family<{L}, Counter>`; a counter needs no `errors_by`"
)]
pub trait CountLabel<L> {
    /// Counts one error in the member with this label.
    fn count_label(label: L, family: &Self);
}

impl<L: Label, I: Member + Inc> CountLabel<L> for Family<L, I> {
    #[inline]
    fn count_label(label: L, family: &Self) {
        family[label].inc();
    }
}

#[diagnostic::do_not_recommend]
impl<L: Label, I: Inc> CountLabel<L> for FamilyRow<L, I> {
    #[inline]
    fn count_label(label: L, row: &Self) {
        row[label].inc();
    }
}

macro_rules! through {
    ([$($generics:tt)*] $pointer:ty, $family:ty) => {
        #[diagnostic::do_not_recommend]
        impl<$($generics)* E: ?Sized, L: LabelOf<E>, I: Member + Inc> CountError<E> for $pointer {
            #[inline]
            fn count_error(error: &E, family: &Self) {
                <$family as CountError<E>>::count_error(error, family);
            }
        }

        #[diagnostic::do_not_recommend]
        impl<$($generics)* L: Label, I: Member + Inc> CountLabel<L> for $pointer {
            #[inline]
            fn count_label(label: L, family: &Self) {
                <$family as CountLabel<L>>::count_label(label, family);
            }
        }
    };
}

through!([] &Family<L, I>, Family<L, I>);
through!([] CachePadded<Family<L, I>>, Family<L, I>);
through!([H: Deref, F: Fn(&H::Target) -> &Family<L, I>,] Part<H, Family<L, I>, F>, Family<L, I>);
#[cfg(feature = "alloc")]
through!([] Box<Family<L, I>>, Family<L, I>);
#[cfg(feature = "alloc")]
through!([] Rc<Family<L, I>>, Family<L, I>);
#[cfg(feature = "alloc")]
through!([] Arc<Family<L, I>>, Family<L, I>);
through!([] &FamilyRow<L, I>, FamilyRow<L, I>);
through!([H: Deref, F: Fn(&H::Target) -> &FamilyRow<L, I>,] Part<H, FamilyRow<L, I>, F>, FamilyRow<L, I>);

/// Calls the path or closure given as `errors_by`. The bound lets rustc infer the type of a closure's argument.
#[inline]
pub fn label_by<'e, E: ?Sized, L>(error: &'e E, by: impl FnOnce(&'e E) -> L) -> L {
    by(error)
}
