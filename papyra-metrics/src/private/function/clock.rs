//! Starts the clock of a call, if the call is timed.

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

    /// Chooses about one call in `n` to be timed. Returns whether this call is chosen.
    fn samples(n: u64) -> bool;
}

/// The clock of this crate. It implements [`Clock`] only with the feature `std`.
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

/// Starts the clock for about one call in `n`, and returns `None` for the other calls.
///
/// `black_box` hides the result from the compiler. Without it, the compiler generates separate code for the calls that are
/// timed and for the others. The body is then called in two places, and is inlined in neither.
#[inline]
#[must_use]
pub fn start_one_in<C: Clock>(n: u64) -> Option<Instant> {
    hint::black_box(if C::samples(n) { Some(start_sample::<C>()) } else { None })
}

/// A separate function, because reading the clock needs registers, which a call that is not timed should not have to save.
#[cold]
#[inline(never)]
fn start_sample<C: Clock>() -> Instant {
    C::now()
}
