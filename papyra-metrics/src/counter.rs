//! The counter: a lifetime total that never falls, and the mark that a reset moves up to it.

use core::fmt;

use crate::__private::Walker;
use crate::sync::{AtomicU64, Ordering, const_fn};
use crate::{Instrument, Kind, Value, words::Words};

/// Counts events: a number that only grows.
///
/// It is two atomics in place, 16 bytes, and no pointer: the lifetime total, and the mark at which the total
/// stood when the counter was last reset. So a reset, which is for people and tests, never disturbs the
/// total, which is what monitoring systems read.
///
/// Counting is one relaxed atomic addition on the total. Readers never wait for writers or the reverse.
/// The total wraps on overflow, which at one increment a nanosecond takes 584 years.
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
    mark: AtomicU64,
}

impl Counter {
    const_fn! {
        /// A counter at zero.
        #[inline]
        pub fn new() -> Self {
            Self { total: AtomicU64::new(0), mark: AtomicU64::new(0) }
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
        // Relaxed: the count guards no other memory, a reader only has to see it eventually.
        self.total.fetch_add(n, Ordering::Relaxed);
    }

    /// What was counted since the last reset.
    #[inline]
    pub fn get(&self) -> u64 {
        let mark = self.mark();
        self.total().wrapping_sub(mark)
    }

    /// What was counted since the counter was made, whether reset or not. It never falls.
    #[inline]
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// [`get`](Self::get) reads zero from here. The [`total`](Self::total) stays.
    #[inline]
    pub fn reset(&self) {
        self.take();
    }

    /// What [`get`](Self::get) gives, and a reset, as one step.
    ///
    /// Over any number of concurrent takes each increment is returned exactly once. Lock-free: it tries
    /// again only when another take or reset has just succeeded.
    pub fn take(&self) -> u64 {
        move_up(&self.mark, || self.total())
    }

    /// Counts one if `result` is an error, and hands it on untouched.
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
    /// The error that came in.
    #[inline]
    pub fn count_err<T, E>(&self, result: Result<T, E>) -> Result<T, E> {
        if result.is_err() {
            self.inc();
        }
        result
    }

    /// Read before the total: the total then read is at least this mark, so their difference never wraps.
    #[inline]
    fn mark(&self) -> u64 {
        self.mark.load(Ordering::Acquire)
    }
}

/// Moves a mark up to the total, and gives how far it was.
pub(crate) fn move_up(mark: &AtomicU64, total: impl Fn() -> u64) -> u64 {
    // Acquire, here and below: the total then read is at least this mark, so their difference never wraps.
    let mut stood = mark.load(Ordering::Acquire);
    loop {
        let total = total();
        // Release: whoever reads this mark also sees a total that has reached it.
        match mark.compare_exchange_weak(stood, total, Ordering::Release, Ordering::Acquire) {
            Ok(_) => return total.wrapping_sub(stood),
            Err(moved) => stood = moved,
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

#[diagnostic::do_not_recommend] // the notes of the trait name it
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
    fn __show<const N: usize>(instruments: &[&Self; N], walker: &mut dyn Walker) {
        walker.counters(instruments);
    }

    fn __words(&self) -> Option<Words> {
        Some(Words::cell(&self.total).with_mark(&self.mark))
    }
}

#[cfg(all(loom, test))]
mod model {
    //! Run by `RUSTFLAGS="--cfg loom" cargo test -p papyra-metrics --lib --release`.

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
            // Of sums alone, a take that wraps below zero would go unseen: the next one makes up for it.
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
            // A mark seen without the total that it was moved to would wrap below zero here.
            assert!(counter.get() <= 2);
            assert!(counter.take() <= 2);
            other.join().unwrap();
            assert_eq!(counter.total(), 2);
        });
    }
}
