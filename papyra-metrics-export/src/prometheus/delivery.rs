//! Records which last values of closed backends were scraped.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Records which last values of closed backends were scraped, and which of them are still shown.
#[derive(Default)]
pub(super) struct Delivery {
    /// The minimum time for which a last value is shown after its first scrape.
    pub(super) linger: Duration,
    /// The registry numbers the closings of backends. The series of closings up to this number are no longer part of
    /// scrapes. The number never falls.
    delivered: AtomicU64,
    /// The number of a closing, and a time: the series of closings up to this number have been part of scrapes since
    /// this time. `None` if no scraped series waits for the end of `linger`.
    lingering: Mutex<Option<(u64, Instant)>>,
}

impl Delivery {
    /// Returns the number of the newest closing whose series are not shown again.
    pub(super) fn delivered(&self) -> u64 {
        // Relaxed: the number does not guard other memory.
        self.delivered.load(Ordering::Relaxed)
    }

    /// Marks the series of closings up to `newest` as scraped. The first call after the time `linger`, which is this
    /// call if `linger` is zero, marks them as delivered, so that they are no longer shown. For series that are closed
    /// in the meantime, `linger` begins with the call after that one.
    pub(super) fn mark(&self, newest: u64) {
        // In most scrapes nothing was closed, and reading the clock would take a large part of the time of a small
        // scrape.
        if newest > self.delivered() {
            self.mark_new(newest);
        }
    }

    fn mark_new(&self, newest: u64) {
        let mut lingering = self.lingering.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let (closing, since) = *lingering.get_or_insert((newest, now));
        if now.duration_since(since) >= self.linger {
            self.delivered.fetch_max(closing, Ordering::Relaxed);
            *lingering = None;
        }
    }
}
