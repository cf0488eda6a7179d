//! The rate of the time stamp counter, found by comparing it with another clock.
//!
//! From time to time, the counter and the other clock are read at almost the same instant. This is called a reading, and the time
//! between two readings is a window. Each window gives a rate: the nanoseconds of the other clock in this window, divided by the
//! ticks of the counter. A rate is used if two consecutive windows have the same rate. The rates differ if the system was suspended,
//! or if a clock was set, during one of the windows. A reading is rejected if the thread was interrupted between reading the counter
//! and the other clock.
//!
//! Calibrating needs neither a thread nor a lock. The first measurement that starts after the end of a window takes the next
//! reading. Measurements that start during a reading do not wait for it, and use the same clock as before. This includes measurements
//! in a signal handler that interrupts the reading. If another thread forks during a reading, the child process takes no more
//! readings, and keeps using the same clock.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The minimum length of a window, in ticks, while the rate is not known: 0.07 s at 4 GHz, 0.27 s at 1 GHz.
pub(super) const WINDOW: u64 = 1 << 28;

/// The minimum length of a window, in ticks, while the rate is known: 0.5 s at 4 GHz, 2 s at 1 GHz.
pub(super) const LONG_WINDOW: u64 = 1 << 31;

/// The number of ticks between a reading that failed and the next attempt.
const RETRY: u64 = 1 << 24;

/// The maximum duration of a reading, in ticks: 0.5 to 2 µs, less than 1/100,000 of a window. A usual reading takes a tenth of this
/// time.
pub(super) const MAX_GAP: u64 = 1 << 11;

/// Two rates count as the same if they differ by less than 1/2048, or 488 ppm. To follow a time server, the kernel changes the rate of
/// its clock by up to 500 ppm, which is about as much.
const TOLERANCE: u64 = 1 << 11;

/// The values of the counter and of the other clock at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) ticks: u64,
    pub(super) nanoseconds: u64,
}

impl Reading {
    /// Creates a reading from the value of the other clock, and the values of the counter before and after that clock was read.
    /// Returns `None` if too much time passed between `before` and `after`, for example because the thread was interrupted.
    pub(super) fn between(before: u64, nanoseconds: u64, after: u64) -> Option<Self> {
        let gap = after.wrapping_sub(before);
        let ticks = before.wrapping_add(gap / 2);
        (gap <= MAX_GAP).then_some(Self { ticks, nanoseconds })
    }

    /// Returns the average number of nanoseconds per tick since an earlier reading, times 2⁶⁴. Returns `None` if the counter or the other
    /// clock stood still, if the other clock went back, or if the counter is not faster than 1 GHz. If the counter went back, the rate is
    /// far too low.
    fn rate_since(self, earlier: Self) -> Option<u64> {
        let ticks = self.ticks.wrapping_sub(earlier.ticks);
        let nanoseconds = self.nanoseconds.checked_sub(earlier.nanoseconds)?;
        let rate = (u128::from(nanoseconds) << 64).checked_div(u128::from(ticks))?;
        u64::try_from(rate).ok().filter(|rate| *rate != 0)
    }
}

/// The state of the calibration. It has its own cache line, which is hardly ever written, so all cores can read it quickly.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Calibration {
    /// Whether new durations are measured with the counter. If so, `rate` is known.
    is_trusted: AtomicBool,
    /// Whether a thread is taking a reading.
    is_reading: AtomicBool,
    /// The nanoseconds per tick, times 2⁶⁴.
    rate: AtomicU64,
    /// The tick at which the current window ends, minus `LONG_WINDOW`. This is the start of a long window, and is before the start of
    /// a short window. The next reading is due when the window ends, or if the counter is below this value because it was set back.
    window_start: AtomicU64,
    /// The rate of the last window. 0 if that window gave no rate, or if no window has ended yet.
    last_rate: AtomicU64,
    /// The counter at the last reading.
    last_ticks: AtomicU64,
    /// The other clock at the last reading.
    last_nanoseconds: AtomicU64,
}

impl Calibration {
    pub(super) const fn new() -> Self {
        Self {
            is_trusted: AtomicBool::new(false),
            is_reading: AtomicBool::new(false),
            rate: AtomicU64::new(0),
            window_start: AtomicU64::new(0),
            last_rate: AtomicU64::new(0),
            last_ticks: AtomicU64::new(0),
            last_nanoseconds: AtomicU64::new(0),
        }
    }

    /// Starts the first window. Must be called before any other method except [`is_trusted`](Self::is_trusted).
    pub(super) fn begin(&self, reading: Reading) {
        self.set_last(reading);
        self.end_window_after(WINDOW, reading.ticks);
    }

    /// Returns whether new durations are measured with the counter.
    #[inline]
    pub(super) fn is_trusted(&self) -> bool {
        // Acquire: a thread that loads `true` sees the rate too.
        self.is_trusted.load(Ordering::Acquire)
    }

    /// Returns whether the next reading is due: if the window has ended, or if the counter was set back.
    #[inline]
    pub(super) fn is_due(&self, ticks: u64) -> bool {
        ticks.wrapping_sub(self.window_start.load(Ordering::Relaxed)) >= LONG_WINDOW
    }

    /// Converts ticks to nanoseconds. A number above `i64::MAX` is a negative difference that has wrapped around, and is converted
    /// to 0. The counter must have been trusted before, so that the rate is known.
    #[inline]
    pub(super) fn nanoseconds(&self, ticks: u64) -> u64 {
        let ticks = if ticks > i64::MAX as u64 { 0 } else { ticks };
        let product = u128::from(ticks) * u128::from(self.rate.load(Ordering::Relaxed));
        (product >> 64) as u64
    }

    /// Takes a reading, which ends the window. If the reading fails, or if another thread is taking a reading, the next attempt is
    /// postponed by `RETRY` ticks.
    pub(super) fn end_window(&self, ticks: u64, read: impl FnOnce() -> Option<Reading>) {
        // Postpones the next attempt before the reading, so that a reading that fails is not repeated by every call.
        self.end_window_after(RETRY, ticks);
        // Acquire here and Release below: the thread that takes the next reading sees all values that this thread stores.
        if self.is_reading.swap(true, Ordering::Acquire) {
            return;
        }
        if let Some(reading) = read() {
            self.compare(reading);
        }
        self.is_reading.store(false, Ordering::Release);
    }

    fn compare(&self, reading: Reading) {
        let last = Reading {
            ticks: self.last_ticks.load(Ordering::Relaxed),
            nanoseconds: self.last_nanoseconds.load(Ordering::Relaxed),
        };
        // Ignores the reading if another thread has just ended the window. `RETRY` is added because the counter of that thread's
        // processor may be a little ahead of the counter of this processor.
        if reading.ticks.wrapping_sub(last.ticks).wrapping_add(RETRY) < WINDOW {
            return;
        }
        let rate = reading.rate_since(last).unwrap_or(0);
        let last_rate = self.last_rate.swap(rate, Ordering::Relaxed);
        let is_same = rate.abs_diff(last_rate) < rate / TOLERANCE;
        if is_same {
            self.rate.store(rate, Ordering::Relaxed);
        }
        self.is_trusted.store(is_same, Ordering::Release);
        self.set_last(reading);
        self.end_window_after(if is_same { LONG_WINDOW } else { WINDOW }, reading.ticks);
    }

    fn set_last(&self, reading: Reading) {
        self.last_ticks.store(reading.ticks, Ordering::Relaxed);
        self.last_nanoseconds.store(reading.nanoseconds, Ordering::Relaxed);
    }

    fn end_window_after(&self, length: u64, ticks: u64) {
        let start = ticks.wrapping_add(length).wrapping_sub(LONG_WINDOW);
        self.window_start.store(start, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::{Calibration, LONG_WINDOW, MAX_GAP, RETRY, Reading, WINDOW};

    /// Returns a reading at `ticks` of a counter that runs at 2.5 GHz.
    fn at(ticks: u64) -> Reading {
        Reading { ticks, nanoseconds: 1_000_000 + ticks * 2 / 5 }
    }

    /// Returns a calibration whose first window begins at tick 0.
    fn begun() -> Calibration {
        let calibration = Calibration::new();
        calibration.begin(at(0));
        calibration
    }

    /// Returns a calibration whose second window has ended, and the tick at which it ended.
    fn trusted() -> (Calibration, u64) {
        let calibration = begun();
        let now = 2 * WINDOW;
        for reading in [at(WINDOW), at(now)] {
            calibration.end_window(reading.ticks, || Some(reading));
        }
        assert!(calibration.is_trusted());
        (calibration, now)
    }

    #[test]
    fn a_reading_with_a_gap_is_rejected() {
        let between = Reading::between;
        assert_eq!(between(100, 7, 100), Some(Reading { ticks: 100, nanoseconds: 7 }));
        assert_eq!(between(100, 7, 300), Some(Reading { ticks: 200, nanoseconds: 7 }));
        assert!(between(100, 7, 100 + MAX_GAP).is_some());
        assert_eq!(between(100, 7, 101 + MAX_GAP), None);
        // The counter was set back, or restarted at zero.
        assert_eq!(between(100, 7, 99), None);
        assert!(between(u64::MAX, 7, 1).is_some());
    }

    #[test]
    fn after_a_rejected_reading_a_later_call_reads_again() {
        let calibration = begun();
        let mut now = 0;
        let mut ends_window = |reading: Option<Reading>| {
            while !calibration.is_due(now) {
                now += 1 << 20;
            }
            calibration.end_window(now, || reading.map(|_| at(now)));
            now
        };
        assert_eq!(ends_window(None), WINDOW);
        let again = ends_window(None);
        assert_eq!(again, WINDOW + RETRY);
        ends_window(Some(at(0)));
        assert!(!calibration.is_trusted());
        assert_eq!(ends_window(None), again + RETRY + WINDOW);
        assert!(!calibration.is_trusted());
        ends_window(Some(at(0)));
        assert!(calibration.is_trusted());
    }

    #[test]
    fn the_rate_is_trusted_after_two_windows_of_the_same_rate() {
        let calibration = begun();
        assert!(!calibration.is_due(WINDOW - 1) && calibration.is_due(WINDOW));
        calibration.end_window(WINDOW, || Some(at(WINDOW)));
        assert!(!calibration.is_trusted());
        assert!(!calibration.is_due(2 * WINDOW - 1) && calibration.is_due(2 * WINDOW));
        calibration.end_window(2 * WINDOW, || Some(at(2 * WINDOW)));
        assert!(calibration.is_trusted());
        assert!(!calibration.is_due(2 * WINDOW + LONG_WINDOW - 1));
        assert!(calibration.is_due(2 * WINDOW + LONG_WINDOW));
        // Readings are rounded to nanoseconds, and a window has 100 million nanoseconds.
        assert!(calibration.nanoseconds(5_000_000_000).abs_diff(2_000_000_000) < 20);
    }

    #[test]
    fn the_counter_is_not_trusted_after_a_window_in_which_only_one_clock_advanced() {
        // By how much each clock advances between two readings, in addition to the usual time.
        for (ticks, nanoseconds) in [(10_000_000_000, 0), (0, 4_000_000_000), (2_000_000, 0)] {
            let (calibration, now) = trusted();
            let after = |ticks_later: u64| {
                let Reading { ticks: read, nanoseconds: also } = at(now + ticks_later);
                Reading { ticks: read + ticks, nanoseconds: also + nanoseconds }
            };
            let before = calibration.nanoseconds(1_000_000);
            calibration.end_window(now, || Some(after(LONG_WINDOW)));
            assert!(!calibration.is_trusted(), "{ticks} {nanoseconds}");
            // Durations that started with the counter are still converted at the old rate.
            assert_eq!(calibration.nanoseconds(1_000_000), before);
            calibration.end_window(now, || Some(after(LONG_WINDOW + WINDOW)));
            assert!(!calibration.is_trusted(), "the rate is that of one window");
            calibration.end_window(now, || Some(after(LONG_WINDOW + 2 * WINDOW)));
            assert!(calibration.is_trusted());
            assert_eq!(calibration.nanoseconds(1_000_000), before);
        }
    }

    #[test]
    fn a_counter_that_restarts_at_another_rate_is_trusted_again_at_that_rate() {
        let (calibration, _) = trusted();
        let at = |ticks: u64| Reading { ticks, nanoseconds: (1 << 40) + ticks / 2 };
        assert!(calibration.is_due(1 << 20));
        for ticks in [1 << 20, 1 << 30] {
            calibration.end_window(ticks, || Some(at(ticks)));
            assert!(!calibration.is_trusted());
        }
        calibration.end_window(1 << 31, || Some(at(1 << 31)));
        assert!(calibration.is_trusted());
        assert_eq!(calibration.nanoseconds(1_000_000_000), 500_000_000);
    }

    #[test]
    fn a_reading_just_before_the_last_one_changes_nothing() {
        let (calibration, now) = trusted();
        for early in [now - 1, now - 1_000, now, now + 1] {
            calibration.end_window(now, || Some(at(early)));
            assert!(calibration.is_trusted());
        }
        calibration.end_window(now, || Some(at(now + LONG_WINDOW)));
        assert!(calibration.is_trusted());
    }

    #[test]
    fn clocks_without_a_rate_are_never_trusted() {
        let still = |ticks| Reading { ticks, nanoseconds: 5 };
        let back = |ticks: u64| Reading { ticks, nanoseconds: u64::MAX - ticks };
        let at_1_ghz = |ticks| Reading { ticks, nanoseconds: ticks };
        let stopped = |ticks| Reading { ticks: 0, nanoseconds: ticks };
        let clocks: [fn(u64) -> Reading; 4] = [still, back, at_1_ghz, stopped];
        for clock in clocks {
            let calibration = Calibration::new();
            calibration.begin(clock(0));
            for window in 1..10 {
                calibration.end_window(window * WINDOW, || Some(clock(window * WINDOW)));
                assert!(!calibration.is_trusted());
            }
        }
    }

    #[test]
    fn a_call_during_a_reading_does_not_take_another() {
        let (calibration, now) = trusted();
        let now = now + LONG_WINDOW;
        let has_read = Cell::new(false);
        calibration.end_window(now, || {
            // A nested call, such as from a signal handler that interrupts the reading and measures a duration.
            calibration.end_window(now, || {
                has_read.set(true);
                None
            });
            assert!(calibration.is_trusted());
            Some(at(now))
        });
        assert!(calibration.is_trusted() && !has_read.get());
    }

    #[test]
    fn conversions_of_ticks_are_at_most_one_nanosecond_too_low() {
        // Windows of a second, at 1.000001 to 6 GHz.
        for window in [1_000_001_000_u64, 2_500_000_000, 2_891_725_031, 6_000_000_000] {
            let calibration = Calibration::new();
            calibration.begin(Reading { ticks: 0, nanoseconds: 0 });
            for reading in 1..=3 {
                let nanoseconds = reading * 1_000_000_000;
                let ticks = reading * window;
                calibration.end_window(ticks, || Some(Reading { ticks, nanoseconds }));
            }
            assert!(calibration.is_trusted());
            let year = 365 * 86_400 * window;
            let exact = |ticks: u64| u128::from(ticks) * 1_000_000_000 / u128::from(window);
            for ticks in [0, 1, 2, 3, 1_000, window - 1, window, 12_345_678_901, year, 20 * year] {
                let converted = u128::from(calibration.nanoseconds(ticks));
                // The rate has 64 binary digits. The rate and the product are both rounded down.
                assert!(exact(ticks) - converted <= 1, "{ticks} in {window}: {converted}");
            }
            let most = calibration.nanoseconds(i64::MAX as u64);
            assert!((1_000_000_000_000_000_000..1 << 63).contains(&most), "{most}");
        }
    }

    #[test]
    fn a_duration_that_ends_before_it_starts_is_zero() {
        let (calibration, _) = trusted();
        for ticks in [1_u64, 2, 1_000_000, 1 << 62, 1 << 63] {
            assert_eq!(calibration.nanoseconds(ticks.wrapping_neg()), 0);
        }
    }
}
