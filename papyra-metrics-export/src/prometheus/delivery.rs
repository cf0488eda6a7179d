//! The record of which last values of closed backends were scraped.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Which last values of closed backends were scraped, and which of them are still shown.
#[derive(Default)]
pub(super) struct Delivery {
    /// The time for which a last value is shown after it was first scraped.
    pub(super) linger: Duration,
    /// Series that were closed up to this closing are not shown again. It never falls.
    delivered: AtomicU64,
    /// A closing that was scraped but is still shown, and since when.
    lingering: Mutex<Option<(u64, Instant)>>,
}

impl Delivery {
    /// The closing up to which series are not shown again.
    pub(super) fn delivered(&self) -> u64 {
        // Relaxed: the number does not guard other memory.
        self.delivered.load(Ordering::Relaxed)
    }

    /// Marks all series up to this closing as delivered, once they have been shown for the time of `linger`.
    pub(super) fn mark(&self, newest: u64) {
        // Usually nothing has changed, and reading the clock is a good part of a small scrape.
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
