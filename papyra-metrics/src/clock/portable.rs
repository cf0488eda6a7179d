//! The clock of std. Without the feature `std`, there is no clock, and no duration can be started.

use core::time::Duration;

/// The start of a duration.
#[derive(Clone, Copy, Debug)]
pub struct Instant(
    #[cfg(feature = "std")] std::time::Instant,
    #[cfg(not(feature = "std"))] core::convert::Infallible,
);

impl Instant {
    /// Starts a duration.
    #[cfg(feature = "std")]
    #[inline]
    pub fn now() -> Self {
        Self(std::time::Instant::now())
    }

    /// Returns the time since the start.
    #[inline]
    pub fn elapsed(self) -> Duration {
        #[cfg(feature = "std")]
        return self.0.elapsed();
        #[cfg(not(feature = "std"))]
        match self.0 {}
    }
}
