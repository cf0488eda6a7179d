//! When a call began, if it is timed.

use core::hint;

pub use crate::clock::Instant;

/// A clock that is read when a call begins and when it ends.
#[diagnostic::on_unimplemented(
    message = "`time` needs the feature `std` of `papyra-metrics`, whose clock it reads",
    label = "there is no clock without `std`",
    note = "without it, record durations of another clock: `self.metrics.append.record(duration)`"
)]
pub trait Clock {
    fn now() -> Instant;

    /// Whether this call is one of those to time, about one in `n`.
    fn samples(n: u64) -> bool;
}

/// The clock of the operating system, with the feature `std`.
pub struct SystemClock;

#[cfg(feature = "std")]
impl Clock for SystemClock {
    #[inline]
    fn now() -> Instant {
        Instant::now()
    }

    #[inline]
    fn samples(n: u64) -> bool {
        super::sampling::takes_one_in(n)
    }
}

/// Starts the clock.
#[inline]
#[must_use]
pub fn start<C: Clock>() -> Option<Instant> {
    Some(C::now())
}

/// Starts the clock if this call is one of those to time, about one in `n`.
///
/// The result is opaque to the compiler. Otherwise it calls the body in two places, for the calls that are timed and for
/// the others, and inlines it in neither.
#[inline]
#[must_use]
pub fn start_one_in<C: Clock>(n: u64) -> Option<Instant> {
    hint::black_box(if C::samples(n) { Some(start_sample::<C>()) } else { None })
}

/// Out of line, so that the compiler lets the other calls save no registers for it.
#[cold]
#[inline(never)]
fn start_sample<C: Clock>() -> Instant {
    C::now()
}
