//! The arrays in which a family keeps its members: in place, also those of a cross product.

use core::array;

use super::zero::Zero;
use crate::Label;

/// An array with an item for each member of a family. Implemented for arrays, and for what the cross product of two labels
/// uses.
pub trait MemberArray<T>: Sized {
    #[doc(hidden)]
    fn __from_fn(make: &mut dyn FnMut() -> T) -> Self;

    /// The item at a position.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    #[doc(hidden)]
    fn at(&self, index: usize) -> &T;

    #[doc(hidden)]
    fn at_mut(&mut self, index: usize) -> &mut T;
}

impl<T, const N: usize> MemberArray<T> for [T; N] {
    fn __from_fn(make: &mut dyn FnMut() -> T) -> Self {
        array::from_fn(|_| make())
    }

    #[inline]
    fn at(&self, index: usize) -> &T {
        &self[index]
    }

    #[inline]
    fn at_mut(&mut self, index: usize) -> &mut T {
        &mut self[index]
    }
}

/// An item for each combination of two labels.
pub struct Cross<A: Label, B: Label, T>(A::Members<B::Members<T>>);

impl<A: Label, B: Label, T> Cross<A, B, T> {
    #[inline]
    pub(crate) fn get(&self, first: A, second: B) -> &T {
        B::__member(A::__member(&self.0, first), second)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, first: A, second: B) -> &mut T {
        B::__member_mut(A::__member_mut(&mut self.0, first), second)
    }
}

impl<A: Label, B: Label, T> MemberArray<T> for Cross<A, B, T> {
    fn __from_fn(make: &mut dyn FnMut() -> T) -> Self {
        Self(MemberArray::__from_fn(&mut || MemberArray::__from_fn(make)))
    }

    #[inline]
    fn at(&self, index: usize) -> &T {
        self.0.at(index / B::COUNT).at(index % B::COUNT)
    }

    #[inline]
    fn at_mut(&mut self, index: usize) -> &mut T {
        self.0.at_mut(index / B::COUNT).at_mut(index % B::COUNT)
    }
}

impl<A: Label, B: Label, T> Copy for Cross<A, B, T> where A::Members<B::Members<T>>: Copy {}

#[allow(clippy::expl_impl_clone_on_copy)] // a derive would require of the labels what holds for their arrays
impl<A: Label, B: Label, T> Clone for Cross<A, B, T>
where
    A::Members<B::Members<T>>: Clone,
{
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Zero, const N: usize> Zero for [T; N] {
    #[allow(clippy::declare_interior_mutable_const)] // copied into each new family
    const ZERO: Self = [const { T::ZERO }; N];
}

impl<A: Label, B: Label, T> Zero for Cross<A, B, T>
where
    A::Members<B::Members<T>>: Zero,
{
    #[allow(clippy::declare_interior_mutable_const)] // copied into each new family
    const ZERO: Self = Self(Zero::ZERO);
}
