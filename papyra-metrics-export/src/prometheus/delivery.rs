//! Keeps track of whether the last values of closed backends have been scraped.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Keeps track of whether the last values of closed backends have been scraped, and whether they are still shown.
///
/// The registry numbers closed backends in the order of closing.
#[derive(Default)]
pub(super) struct Delivery {
    /// The minimum time for which a last value is shown after its first scrape.
    pub(super) linger: Duration,
    /// The number of the newest closed backend whose series are no longer shown in scrapes. It never falls.
    delivered: AtomicU64,
    /// The closed backends that were scraped and are still shown, oldest first. Each entry contains the number of a
    /// closed backend, and the time of the first scrape with the series of all closed backends up to this number.
    lingering: Mutex<VecDeque<(u64, Instant)>>,
}

impl Delivery {
    /// Returns the number of the newest closed backend whose series are no longer shown.
    pub(super) fn delivered(&self) -> u64 {
        // Relaxed: the number does not guard other memory.
        self.delivered.load(Ordering::Relaxed)
    }

    /// Marks the series of closed backends up to the number `newest` as scraped. The first call that comes at least
    /// `linger` later marks these series as delivered, so that they are no longer shown. If `linger` is zero, this call
    /// already marks them as delivered.
    pub(super) fn mark(&self, newest: u64) {
        // Usually no backend was closed since the last scrape, and reading the clock would take a large part of the
        // time of a small scrape.
        if newest > self.delivered() {
            self.mark_new(newest, Instant::now());
        }
    }

    fn mark_new(&self, newest: u64, now: Instant) {
        let mut lingering = self.lingering.lock().unwrap_or_else(PoisonError::into_inner);
        if lingering.back().is_none_or(|&(last, _)| last < newest) {
            lingering.push_back((newest, now));
        }
        while let Some(&(closing, since)) = lingering.front() {
            if now.saturating_duration_since(since) < self.linger {
                break;
            }
            self.delivered.fetch_max(closing, Ordering::Relaxed);
            lingering.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Delivery;

    #[test]
    fn each_closing_is_shown_for_the_time_of_linger_after_its_first_scrape() {
        let delivery = Delivery { linger: Duration::from_secs(10), ..Delivery::default() };
        let start = Instant::now();
        for (second, newest, delivered) in [
            (0, 2, 0),
            (9, 3, 0),
            (10, 3, 2),
            // A scrape that began before the previous scrape.
            (11, 2, 2),
            (18, 5, 2),
            (19, 5, 3),
            (27, 5, 3),
            (28, 5, 5),
        ] {
            delivery.mark_new(newest, start + Duration::from_secs(second));
            assert_eq!(delivery.delivered(), delivered, "after {second} s");
        }
    }
}
