//! Tuples of labels, with a member for each combination of the labels' values.

use core::marker::PhantomData;

use super::members::{MemberArray, MemberStorage};
use super::row::FamilyRow;
use super::zero::Zero;
use crate::label::{Label, LabelValues, MAX_LABELS};

/// An item for each combination of the values of two labels, stored as one row for each value of the first label.
pub struct Cross<A: Label, B: Label, T>(A::Members<FamilyRow<B, T>>);

impl<A: Label, B: Label, T> Cross<A, B, T> {
    /// Returns the items that have this value of the first label.
    #[inline]
    pub(crate) fn row(&self, first: A) -> &FamilyRow<B, T> {
        A::__member(&self.0, first)
    }

    #[inline]
    pub(crate) fn row_mut(&mut self, first: A) -> &mut FamilyRow<B, T> {
        self.0.at_mut(first.index())
    }

    #[inline]
    pub(crate) fn get(&self, first: A, second: B) -> &T {
        &self.row(first)[second]
    }
}

impl<A: Label, B: Label, T> MemberStorage<T> for Cross<A, B, T> {
    fn __from_fn(make: &mut dyn FnMut() -> T) -> Self {
        Self(MemberStorage::__from_fn(&mut || MemberStorage::__from_fn(make)))
    }

    #[inline]
    fn at(&self, index: usize) -> &T {
        self.0.at(index / B::COUNT).at(index % B::COUNT)
    }
}

impl<A: Label, B: Label, T> MemberArray<T> for Cross<A, B, T> {
    #[inline]
    fn at_mut(&mut self, index: usize) -> &mut T {
        self.0.at_mut(index / B::COUNT).at_mut(index % B::COUNT)
    }
}

impl<A: Label, B: Label, T> Copy for Cross<A, B, T> where A::Members<FamilyRow<B, T>>: Copy {}

#[allow(clippy::expl_impl_clone_on_copy)] // a derive would bound the labels instead of their arrays
impl<A: Label, B: Label, T> Clone for Cross<A, B, T>
where
    A::Members<FamilyRow<B, T>>: Clone,
{
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<A: Label, B: Label, T> Zero for Cross<A, B, T>
where
    A::Members<FamilyRow<B, T>>: Zero,
{
    #[allow(clippy::declare_interior_mutable_const)] // copied into each new family
    const ZERO: Self = Self(Zero::ZERO);
}

/// The labels of `A`, followed by the labels of `B`.
struct Concatenated<A, B>(PhantomData<(A, B)>);

impl<A: Label, B: Label> Concatenated<A, B> {
    /// The number of labels, or `MAX_LABELS + 1` if there are more than `MAX_LABELS`. `assert_set` then reports the error at the
    /// family's declaration, which is the code that the user has to change.
    const LEN: usize = {
        let len = A::LABELS.len() + B::LABELS.len();
        if len > MAX_LABELS { MAX_LABELS + 1 } else { len }
    };
    const ALL: [LabelValues; MAX_LABELS + 1] = {
        let mut all = [LabelValues { name: "", values: &[] }; MAX_LABELS + 1];
        let mut i = 0;
        while i < Self::LEN {
            all[i] =
                if i < A::LABELS.len() { A::LABELS[i] } else { B::LABELS[i - A::LABELS.len()] };
            i += 1;
        }
        all
    };
    const LABELS: &'static [LabelValues] = {
        let all: &'static [LabelValues] = &Self::ALL;
        all.split_at(Self::LEN).0
    };
}

/// Every combination of the values of two labels. The value of the second label varies fastest.
impl<A: Label, B: Label> Label for (A, B) {
    const LABELS: &'static [LabelValues] = Concatenated::<A, B>::LABELS;
    type Members<T> = Cross<A, B, T>;

    #[inline]
    fn index(self) -> usize {
        self.0.index() * B::COUNT + self.1.index()
    }

    fn from_index(index: usize) -> Option<Self> {
        Some((A::from_index(index / B::COUNT)?, B::from_index(index % B::COUNT)?))
    }

    #[inline]
    fn __member<T>(members: &Self::Members<T>, (first, second): Self) -> &T {
        members.get(first, second)
    }
}

/// Implements [`Label`] for a tuple of three or more labels, as the pair of its first label and a tuple of the other labels.
macro_rules! longer_tuple {
    ($($rest:ident $label:ident),+) => {
        impl<A: Label, $($rest: Label),+> Label for (A, $($rest),+) {
            const LABELS: &'static [LabelValues] = <(A, ($($rest),+))>::LABELS;
            type Members<T> = Cross<A, ($($rest),+), T>;

            #[inline]
            fn index(self) -> usize {
                let (first, $($label),+) = self;
                (first, ($($label),+)).index()
            }

            fn from_index(index: usize) -> Option<Self> {
                let (first, ($($label),+)) = <(A, ($($rest),+))>::from_index(index)?;
                Some((first, $($label),+))
            }

            #[inline]
            fn __member<T>(members: &Self::Members<T>, (first, $($label),+): Self) -> &T {
                members.get(first, ($($label),+))
            }
        }
    };
}

longer_tuple!(B second, C third);
longer_tuple!(B second, C third, D fourth);
