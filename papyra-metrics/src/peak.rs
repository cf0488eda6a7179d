//! The highest value since the last reset.

use core::fmt;

use crate::atomic::{AtomicI64, Ordering, const_fn};
use crate::atomic_layout::{AtomicLayout, Form};
use crate::{GaugeInteger, Instrument, Kind, Value};

/// The highest of all recorded values since the last reset, such as the longest queue or the largest record.
///
/// A peak is one inline atomic. Recording loads the atomic, and writes to it only if the recorded value is higher.
///
/// ```
/// use papyra_metrics::Peak;
///
/// static LONGEST_QUEUE: Peak = Peak::new();
///
/// LONGEST_QUEUE.record(3);
/// LONGEST_QUEUE.record(7);
/// LONGEST_QUEUE.record(5);
/// assert_eq!(LONGEST_QUEUE.take(), 7); // and resets
/// assert_eq!(LONGEST_QUEUE.get(), 0);
/// ```
pub struct Peak {
    /// `NONE` if nothing was recorded since the last reset.
    highest: AtomicI64,
}

/// The stored value of a peak that has recorded nothing, also in a published file.
pub(crate) const NONE: i64 = i64::MIN;

impl Peak {
    const_fn! {
        /// Creates a peak without values.
        #[inline]
        pub fn new() -> Self {
            Self { highest: AtomicI64::new(NONE) }
        }
    }

    /// Records a value, which is an integer of any type; see [`GaugeInteger`].
    #[inline]
    pub fn record(&self, value: impl GaugeInteger) {
        let value = value.into_gauge();
        // Most values are below the peak, and a load is much cheaper than an atomic maximum.
        if value > self.highest.load(Ordering::Relaxed) {
            self.highest.fetch_max(value, Ordering::Relaxed);
        }
    }

    /// Returns the highest value since the last reset, or 0 if no value was recorded since then.
    #[inline]
    pub fn get(&self) -> i64 {
        value(self.highest.load(Ordering::Relaxed))
    }

    /// Removes all recorded values.
    #[inline]
    pub fn reset(&self) {
        self.highest.store(NONE, Ordering::Relaxed);
    }

    /// Returns the value of [`get`](Self::get) and resets the peak in one step. Even if several takes run at the same time,
    /// each recorded value is returned at most once.
    #[inline]
    pub fn take(&self) -> i64 {
        value(self.highest.swap(NONE, Ordering::Relaxed))
    }
}

/// Converts the stored value: returns 0 for [`NONE`], and any other value unchanged.
pub(crate) fn value(highest: i64) -> i64 {
    if highest == NONE { 0 } else { highest }
}

impl Default for Peak {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Peak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Peak").field(&self.get()).finish()
    }
}

#[diagnostic::do_not_recommend] // the notes of `Instrument` name this type
impl Instrument for Peak {
    const KIND: Kind = Kind::Gauge;
    const IS_RESETTABLE: bool = true;

    fn value(&self) -> Value {
        Value::Gauge(self.get())
    }

    fn reset(&self) {
        self.reset();
    }

    fn take(&self) -> Value {
        Value::Gauge(self.take())
    }

    fn __atomic_layout(&self) -> Option<AtomicLayout> {
        Some(AtomicLayout::cell(&self.highest).with_form(Form::Peak))
    }
}
