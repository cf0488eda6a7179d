//! A gauge of floating-point numbers.

use core::fmt;

use crate::atomic::{AtomicU64, Ordering, const_fn};
use crate::atomic_layout::{AtomicLayout, Form};
use crate::{Instrument, Kind, Value};

/// A value that goes up and down and is not an integer, such as a ratio, a temperature or a time in seconds.
///
/// A float gauge is one inline atomic, which holds the bits of an `f64`. As with a [`Gauge`](crate::Gauge), a reset does
/// not change the value. Setting is one relaxed atomic store. Adding is a loop, which tries again if another thread has
/// changed the value in the meantime.
///
/// ```
/// use papyra_metrics::FloatGauge;
///
/// static FILL_RATIO: FloatGauge = FloatGauge::new();
///
/// FILL_RATIO.set(0.5);
/// FILL_RATIO.add(0.25);
/// assert_eq!(FILL_RATIO.get(), 0.75);
/// ```
pub struct FloatGauge {
    bits: AtomicU64,
}

impl FloatGauge {
    const_fn! {
        /// Creates a gauge at zero.
        #[inline]
        pub fn new() -> Self {
            // The bits of 0.0 are zero.
            Self { bits: AtomicU64::new(0) }
        }
    }

    /// Sets the value, which may be infinite or NaN.
    #[inline]
    pub fn set(&self, value: f64) {
        // Relaxed: the value does not guard other memory.
        self.bits.store(value.to_bits(), Ordering::Relaxed);
    }

    /// Adds `n` to the value.
    #[inline]
    pub fn add(&self, n: f64) {
        let mut before = self.bits.load(Ordering::Relaxed);
        loop {
            let after = (f64::from_bits(before) + n).to_bits();
            match self.bits.compare_exchange_weak(
                before,
                after,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(changed) => before = changed,
            }
        }
    }

    /// Subtracts `n` from the value.
    #[inline]
    pub fn sub(&self, n: f64) {
        self.add(-n);
    }

    /// Returns the value.
    #[inline]
    pub fn get(&self) -> f64 {
        f64::from_bits(self.bits.load(Ordering::Relaxed))
    }
}

impl Default for FloatGauge {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for FloatGauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FloatGauge").field(&self.get()).finish()
    }
}

#[diagnostic::do_not_recommend] // the notes of `Instrument` name this type
impl Instrument for FloatGauge {
    const KIND: Kind = Kind::Gauge;

    fn value(&self) -> Value {
        Value::Float(self.get())
    }

    fn reset(&self) {}

    fn take(&self) -> Value {
        self.value()
    }

    fn __atomic_layout(&self) -> Option<AtomicLayout> {
        Some(AtomicLayout::cell(&self.bits).with_form(Form::Float))
    }
}
