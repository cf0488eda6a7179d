//! The counter: a lifetime total that never falls, and a baseline that a reset sets to the total.

use core::fmt;

use crate::atomic::{AtomicU64, Ordering, const_fn};
use crate::atomic_layout::AtomicLayout;
use crate::{Instrument, Kind, Value, Walker};

/// A monotonic counter of events.
///
/// A counter is two inline atomics, 16 bytes: the lifetime total, which monitoring systems read, and the baseline, which
/// is the total at the last reset. Resets are for people and tests, and do not change the total.
///
/// Counting is one relaxed atomic addition to the total. Readers and writers never wait for each other. The total wraps
/// on overflow, after 584 years of one increment per nanosecond.
///
/// ```
/// use papyra_metrics::Counter;
///
/// static APPENDED: Counter = Counter::new();
///
/// APPENDED.inc();
/// APPENDED.add(2);
/// assert_eq!(APPENDED.get(), 3);
///
/// APPENDED.reset();
/// assert_eq!((APPENDED.get(), APPENDED.total()), (0, 3));
/// ```
pub struct Counter {
    total: AtomicU64,
    baseline: AtomicU64,
}

impl Counter {
    const_fn! {
        /// Creates a counter at zero.
        #[inline]
        pub fn new() -> Self {
            Self { total: AtomicU64::new(0), baseline: AtomicU64::new(0) }
        }
    }

    /// Counts one event.
    #[inline]
    pub fn inc(&self) {
        self.add(1);
    }

    /// Counts `n` events at once.
    #[inline]
    pub fn add(&self, n: u64) {
        // Relaxed: the count does not guard other memory.
        self.total.fetch_add(n, Ordering::Relaxed);
    }

    /// Returns the count since the last reset.
    #[inline]
    pub fn get(&self) -> u64 {
        let baseline = self.baseline();
        self.total().wrapping_sub(baseline)
    }

    /// Returns the count over the lifetime, which resets do not change and which never falls.
    #[inline]
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Resets the counter: [`get`](Self::get) then returns zero. The [`total`](Self::total) is unchanged.
    #[inline]
    pub fn reset(&self) {
        self.take();
    }

    /// Returns the value of [`get`](Self::get) and resets the counter in one step.
    ///
    /// Over any number of concurrent takes each increment is returned exactly once. Lock-free: if several takes and resets
    /// run at the same time, one of them succeeds and the others retry.
    #[inline]
    pub fn take(&self) -> u64 {
        advance_baseline(&self.baseline, || self.total())
    }

    /// Counts one if `result` is an error. Returns `result` unchanged.
    ///
    /// ```
    /// use papyra_metrics::Counter;
    ///
    /// let errors = Counter::new();
    /// assert!(errors.count_err("12x".parse::<u32>()).is_err());
    /// assert_eq!(errors.count_err("12".parse::<u32>()), Ok(12));
    /// assert_eq!(errors.get(), 1);
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the error of `result`.
    #[inline]
    pub fn count_err<T, E>(&self, result: Result<T, E>) -> Result<T, E> {
        if result.is_err() {
            self.inc();
        }
        result
    }

    /// Loads the baseline. A total that is loaded afterwards is at least as large, so total minus baseline never wraps.
    #[inline]
    fn baseline(&self) -> u64 {
        self.baseline.load(Ordering::Acquire)
    }
}

/// Moves the baseline up to the total and returns the difference.
pub(crate) fn advance_baseline(baseline: &AtomicU64, total: impl Fn() -> u64) -> u64 {
    // Acquire, here and below: a total that is loaded afterwards is at least as large as this baseline, so total minus baseline
    // never wraps.
    let mut previous = baseline.load(Ordering::Acquire);
    loop {
        let total = total();
        // Release: a reader that loads this baseline, and then the total, loads a total that is at least as large.
        match baseline.compare_exchange_weak(previous, total, Ordering::Release, Ordering::Acquire)
        {
            Ok(_) => return total.wrapping_sub(previous),
            Err(current) => previous = current,
        }
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counter").field("value", &self.get()).field("total", &self.total()).finish()
    }
}

#[diagnostic::do_not_recommend] // the notes of `Instrument` name this type
impl Instrument for Counter {
    const KIND: Kind = Kind::Counter;

    #[inline]
    fn value(&self) -> Value {
        Value::Counter(self.get())
    }

    #[inline]
    fn total(&self) -> Value {
        Value::Counter(self.total())
    }

    fn reset(&self) {
        self.reset();
    }

    fn take(&self) -> Value {
        Value::Counter(self.take())
    }

    #[inline]
    fn __walk_batch(instruments: &[&Self], walker: &mut dyn Walker) {
        walker.counters(instruments);
    }

    fn __atomic_layout(&self) -> Option<AtomicLayout> {
        Some(AtomicLayout::cell(&self.total).with_baseline(&self.baseline))
    }
}

#[cfg(all(loom, test))]
mod model {
    //! Run with `RUSTFLAGS="--cfg loom" cargo test -p papyra-metrics --lib --release`.

    use loom::{sync::Arc, thread};

    use super::Counter;

    #[test]
    fn concurrent_takes_return_each_increment_exactly_once() {
        loom::model(|| {
            let counter = Arc::new(Counter::new());
            let adder = {
                let counter = Arc::clone(&counter);
                thread::spawn(move || {
                    counter.inc();
                    counter.add(2);
                })
            };
            let taker = {
                let counter = Arc::clone(&counter);
                thread::spawn(move || counter.take())
            };
            let here = counter.take();
            adder.join().unwrap();
            let there = taker.join().unwrap();
            // The sum below would not detect a take that wraps below zero, because the next take compensates for it.
            assert!(here <= 3 && there <= 3, "{here} and {there} of 3");
            assert_eq!(here + there + counter.get(), 3);
            assert_eq!(counter.total(), 3);
        });
    }

    #[test]
    fn a_reading_never_exceeds_what_was_counted() {
        loom::model(|| {
            let counter = Arc::new(Counter::new());
            let other = {
                let counter = Arc::clone(&counter);
                thread::spawn(move || {
                    counter.inc();
                    counter.reset();
                    counter.inc();
                })
            };
            // If the baseline were visible before the total that it was moved to, the difference would wrap below zero
            // here.
            assert!(counter.get() <= 2);
            assert!(counter.take() <= 2);
            other.join().unwrap();
            assert_eq!(counter.total(), 2);
        });
    }
}
