//! The guard that counts a call in the gauge of calls in flight.

use core::ops::Deref;

use crate::IncDec;

/// A change of a gauge: an increment if true, a decrement otherwise.
#[derive(Clone, Copy)]
pub struct Delta(bool);

impl Delta {
    #[inline]
    pub fn apply(self, gauge: &(impl IncDec + ?Sized)) {
        if self.0 { gauge.inc() } else { gauge.dec() }
    }
}

/// A guard that increments the gauge when created and decrements it when dropped. `held` is the pointer through which the gauge
/// is accessed, and the closure `apply` changes the gauge.
pub struct InFlight<P: Deref, S: Fn(&P::Target, Delta)> {
    pub held: P,
    apply: S,
}

impl<P: Deref, S: Fn(&P::Target, Delta)> InFlight<P, S> {
    #[inline]
    pub fn new(held: P, apply: S) -> Self {
        apply(&held, Delta(true));
        Self { held, apply }
    }
}

impl<P: Deref, S: Fn(&P::Target, Delta)> Drop for InFlight<P, S> {
    #[inline]
    fn drop(&mut self) {
        (self.apply)(&self.held, Delta(false));
    }
}

/// Wraps an owned value in a type that implements `Deref`, because the guards hold pointers.
pub struct Owned<T>(pub T);

impl<T> Deref for Owned<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}
