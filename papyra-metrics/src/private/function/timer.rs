//! The guard that times a call whose body cannot be followed by statements.

use core::ops::Deref;
use core::time::Duration;

use super::Instant;

/// Records how long a call has taken when dropped, unless by a panic. Holds what the histogram is reached through, and a
/// closure that records.
pub struct CallTimer<P: Deref, R: Fn(&P::Target, Duration)> {
    pub held: P,
    record: R,
    started: Option<Instant>,
    /// Whether the call is made by a destructor that runs because of a panic.
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
