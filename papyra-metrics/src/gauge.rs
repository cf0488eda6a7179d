//! The gauge: a number that goes up and down.

use core::fmt;

use crate::atomic::{AtomicI64, Ordering, const_fn};
use crate::atomic_layout::AtomicLayout;
use crate::{GaugeInteger, Instrument, Kind, Value, Walker};

/// A value that goes up and down, such as the number of open files or the bytes in a cache.
///
/// A gauge is one inline atomic. A reset does not change the value, because the value is a state, not a count of events. Each
/// change is one relaxed atomic instruction. The value wraps on overflow. The methods accept integers of any type; see
/// [`GaugeInteger`].
///
/// ```
/// use papyra_metrics::Gauge;
///
/// static OPEN_SEGMENTS: Gauge = Gauge::new();
///
/// OPEN_SEGMENTS.set(3);
/// OPEN_SEGMENTS.dec();
/// assert_eq!(OPEN_SEGMENTS.get(), 2);
/// ```
pub struct Gauge {
    level: AtomicI64,
}

impl Gauge {
    const_fn! {
        /// Creates a gauge at zero.
        #[inline]
        pub fn new() -> Self {
            Self { level: AtomicI64::new(0) }
        }
    }

    /// Adds one.
    #[inline]
    pub fn inc(&self) {
        self.add(1);
    }

    /// Subtracts one.
    #[inline]
    pub fn dec(&self) {
        self.sub(1);
    }

    /// Adds `n`, which may be negative.
    #[inline]
    pub fn add(&self, n: impl GaugeInteger) {
        self.level.fetch_add(n.into_gauge(), Ordering::Relaxed);
    }

    /// Subtracts `n`, which may be negative.
    #[inline]
    pub fn sub(&self, n: impl GaugeInteger) {
        self.level.fetch_sub(n.into_gauge(), Ordering::Relaxed);
    }

    /// Sets the value to `n`.
    #[inline]
    pub fn set(&self, n: impl GaugeInteger) {
        self.level.store(n.into_gauge(), Ordering::Relaxed);
    }

    /// Returns the value.
    #[inline]
    pub fn get(&self) -> i64 {
        self.level.load(Ordering::Relaxed)
    }
}

impl Default for Gauge {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Gauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gauge").field(&self.get()).finish()
    }
}

#[diagnostic::do_not_recommend] // the notes of `Instrument` name this type
impl Instrument for Gauge {
    const KIND: Kind = Kind::Gauge;

    #[inline]
    fn value(&self) -> Value {
        Value::Gauge(self.get())
    }

    fn reset(&self) {}

    fn take(&self) -> Value {
        self.value()
    }

    #[inline]
    fn __walk_batch(instruments: &[&Self], walker: &mut dyn Walker) {
        walker.gauges(instruments);
    }

    fn __atomic_layout(&self) -> Option<AtomicLayout> {
        Some(AtomicLayout::cell(&self.level))
    }
}
