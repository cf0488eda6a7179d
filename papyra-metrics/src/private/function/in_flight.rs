//! The guard of the gauge of calls in flight.

use core::ops::Deref;

use crate::IncDec;

/// A change of a gauge.
#[derive(Clone, Copy)]
pub struct Delta(bool);

impl Delta {
    #[inline]
    pub fn apply(self, gauge: &(impl IncDec + ?Sized)) {
        if self.0 { gauge.inc() } else { gauge.dec() }
    }
}

/// Moves the gauge up, and down when dropped. Holds what the gauge is reached through, and a closure that moves it.
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

/// A value that is held without a reference.
pub struct Owned<T>(pub T);

impl<T> Deref for Owned<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}
