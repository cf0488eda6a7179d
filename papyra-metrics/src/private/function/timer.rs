//! The guard that records the duration of a call. Generated code uses it if no statement can be placed after the body.

use core::ops::Deref;
use core::time::Duration;

use super::Instant;

/// A guard that records the duration of a call when dropped, unless the guard is dropped because the call panics. `held` is the
/// pointer through which the histogram is accessed, and the closure `record` records in the histogram.
pub struct CallTimer<P: Deref, R: Fn(&P::Target, Duration)> {
    pub held: P,
    record: R,
    started: Option<Instant>,
    /// Whether the thread was already panicking when the call began, as in a destructor that runs because of a panic.
    began_in_panic: bool,
}

impl<P: Deref, R: Fn(&P::Target, Duration)> CallTimer<P, R> {
    #[inline]
    pub fn new(started: Option<Instant>, held: P, record: R) -> Self {
        Self { held, record, started, began_in_panic: started.is_some() && is_panicking() }
    }
}

impl<P: Deref, R: Fn(&P::Target, Duration)> Drop for CallTimer<P, R> {
    #[inline]
    fn drop(&mut self) {
        if let Some(started) = self.started {
            let elapsed = started.elapsed();
            if is_panicking() == self.began_in_panic {
                (self.record)(&self.held, elapsed);
            }
        }
    }
}

#[inline]
fn is_panicking() -> bool {
    #[cfg(feature = "std")]
    return std::thread::panicking();
    // Without std there is no clock, so nothing is timed.
    #[cfg(not(feature = "std"))]
    false
}
