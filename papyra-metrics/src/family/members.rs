//! The arrays in which a family keeps its members, in place.

use core::array;

use super::zero::Zero;

/// An array with an item for each member of a family: [`Label::Members`](crate::Label::Members). Implemented for arrays, and
/// for the cross products of labels.
pub trait MemberArray<T>: Sized {
    #[doc(hidden)]
    fn __from_fn(make: &mut dyn FnMut() -> T) -> Self;

    /// The item at a position.
    ///
    /// # Panics
    ///
    /// If the index is out of range.
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

impl<T: Zero, const N: usize> Zero for [T; N] {
    #[allow(clippy::declare_interior_mutable_const)] // copied into each new family
    const ZERO: Self = [const { T::ZERO }; N];
}
