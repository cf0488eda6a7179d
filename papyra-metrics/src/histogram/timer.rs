//! Measures how long something takes, and records the duration.

use core::mem;
use core::time::Duration;

use super::{Buckets, Histogram, ShardedHistogram};
use crate::RecordDuration;
use crate::clock::Instant;

/// Measures a duration until it is dropped or stopped. Returned by [`Histogram::start`] and [`ShardedHistogram::start`].
///
/// When it is dropped, even during a panic, it records how long it has existed. [`stop`](Self::stop) ends the timer,
/// records the duration and returns it. [`discard`](Self::discard) ends the timer without recording.
///
/// ```
/// use papyra_metrics::Histogram;
///
/// static APPEND: Histogram = Histogram::new();
///
/// fn append(record: &[u8]) -> Result<(), &'static str> {
///     let timer = APPEND.start();
///     if record.is_empty() {
///         timer.discard();
///         return Err("nothing to append");
///     }
///     Ok(()) // the timer is dropped, and records
/// }
///
/// assert!(append(b"").is_err() && append(b"first").is_ok());
/// assert_eq!(APPEND.get().count(), 1);
/// ```
///
/// # Clock
///
/// Durations are measured with [`Instant`](std::time::Instant). On x86-64 Linux, if the kernel's clock source is `tsc`, they are
/// measured with the time stamp counter of the processor, which takes half as long to read.
///
/// The counter is used once its rate is known: if durations are measured often, within about half a second. The rate is then compared
/// with `Instant` every 0.5 to 2 seconds, so a duration differs from the duration that `Instant` would measure by at most 1/100,000,
/// or by at most 1/2,000 while a time server corrects the clock.
///
/// A duration includes all loads from memory that precede its end. If loads that precede its start are still in progress at the
/// start, the duration also includes the rest of these loads, up to a few hundred nanoseconds.
///
/// A duration is zero if the clock was set back between its start and its end. If the system was suspended between them, the duration
/// may include the time of the suspension.
#[derive(Debug)]
#[must_use = "a timer that is dropped at once records a duration of almost zero; bind it to a name"]
pub struct Timer<'a, H: RecordDuration = Histogram> {
    histogram: &'a H,
    started: Instant,
}

impl<'a, H: RecordDuration> Timer<'a, H> {
    #[inline]
    fn start(histogram: &'a H) -> Self {
        Self { histogram, started: Instant::now() }
    }

    /// Records how long the timer has existed, and returns this duration.
    #[inline]
    #[allow(clippy::must_use_candidate)] // callers may ignore the duration
    pub fn stop(self) -> Duration {
        let elapsed = self.started.elapsed();
        self.histogram.record_duration(elapsed, 1);
        self.discard();
        elapsed
    }

    /// Ends the timer without recording anything.
    #[inline]
    pub fn discard(self) {
        mem::forget(self);
    }

    /// Returns how long the timer has existed.
    #[inline]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl<H: RecordDuration> Drop for Timer<'_, H> {
    #[inline]
    fn drop(&mut self) {
        self.histogram.record_duration(self.started.elapsed(), 1);
    }
}

macro_rules! time {
    ($histogram:ident) => {
        /// These methods require the feature `std`, for its clock.
        impl<B: Buckets<Value = Duration>> $histogram<B> {
            /// Calls the closure, records how long the call takes, and returns the closure's result.
            ///
            /// Nothing is recorded if the closure panics.
            ///
            /// ```
            #[doc = concat!("use papyra_metrics::", stringify!($histogram), ";")]
            ///
            #[doc = concat!("static APPEND: ", stringify!($histogram), " = ", stringify!($histogram), "::new();")]
            ///
            /// let length = APPEND.time(|| "record".len());
            /// assert_eq!((length, APPEND.get().count()), (6, 1));
            /// ```
            #[inline]
            pub fn time<T>(&self, work: impl FnOnce() -> T) -> T {
                let started = Instant::now();
                let result = work();
                self.record(started.elapsed());
                result
            }

            /// Starts a [`Timer`] that records how long it exists.
            #[inline]
            pub fn start(&self) -> Timer<'_, Self> {
                Timer::start(self)
            }
        }
    };
}

time!(Histogram);
time!(ShardedHistogram);
