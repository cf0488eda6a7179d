//! The guard that counts a future if it is dropped after its first poll and before it has finished.

use core::future::Future;
use core::ops::Deref;
use core::pin::Pin;
use core::task::{Context, Poll};

/// A guard in a future, which counts a cancellation if the guard is dropped while the future waits. `held` is the pointer
/// through which the counter is accessed, and the closure `count` increments the counter.
pub struct Cancellation<P: Deref, C: Fn(&P::Target)> {
    pub held: P,
    count: C,
    /// Whether the future has been polled and has returned `Pending`. False during a poll, because a future that panics is not
    /// cancelled.
    pub waits: bool,
}

impl<P: Deref, C: Fn(&P::Target)> Cancellation<P, C> {
    #[inline]
    pub fn new(held: P, count: C) -> Self {
        Self { held, count, waits: false }
    }
}

impl<P: Deref, C: Fn(&P::Target)> Drop for Cancellation<P, C> {
    #[inline]
    fn drop(&mut self) {
        if self.waits {
            (self.count)(&self.held);
        }
    }
}

/// A future with a flag that is set between polls, while the future waits.
pub struct Watched<'a, F: ?Sized> {
    waits: &'a mut bool,
    future: Pin<&'a mut F>,
}

/// Returns a future that polls `future`, and sets the flag `waits` between polls.
#[inline]
pub fn watch<'a, F: Future + ?Sized>(
    waits: &'a mut bool,
    future: Pin<&'a mut F>,
) -> Watched<'a, F> {
    Watched { waits, future }
}

impl<F: Future + ?Sized> Future for Watched<'_, F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { waits, future } = self.get_mut();
        **waits = false;
        let poll = future.as_mut().poll(context);
        **waits = poll.is_pending();
        poll
    }
}
