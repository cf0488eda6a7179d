//! A guard that adds to a gauge until it is dropped.

use core::fmt;

use crate::{Gauge, GaugeInteger};

impl Gauge {
    /// Adds `n`, and subtracts it again when the returned guard is dropped, even if a panic or a cancelled future drops the
    /// guard.
    ///
    /// Use this method for levels that follow the lifetime of a value: running tasks, buffered bytes, open connections.
    ///
    /// ```
    /// use papyra_metrics::Gauge;
    ///
    /// static BUFFERED_BYTES: Gauge = Gauge::new();
    ///
    /// let mut held = BUFFERED_BYTES.hold(4096);
    /// assert_eq!(BUFFERED_BYTES.get(), 4096);
    /// held.set(8192); // the buffer has grown
    /// assert_eq!(BUFFERED_BYTES.get(), 8192);
    /// drop(held);
    /// assert_eq!(BUFFERED_BYTES.get(), 0);
    /// ```
    #[inline]
    pub fn hold(&self, n: impl GaugeInteger) -> GaugeHold<'_> {
        let n = n.into_gauge();
        self.add(n);
        GaugeHold { gauge: self, n }
    }
}

/// A guard that has added an amount to a [`Gauge`], and subtracts the amount when dropped. Returned by [`Gauge::hold`].
#[must_use = "a hold that is dropped at once has no effect; bind it to a name"]
pub struct GaugeHold<'a> {
    gauge: &'a Gauge,
    n: i64,
}

impl GaugeHold<'_> {
    /// Returns the amount that this guard has added.
    #[inline]
    pub fn get(&self) -> i64 {
        self.n
    }

    /// Changes the amount to `n`.
    #[inline]
    pub fn set(&mut self, n: impl GaugeInteger) {
        let n = n.into_gauge();
        self.gauge.add(n.wrapping_sub(self.n));
        self.n = n;
    }
}

impl Drop for GaugeHold<'_> {
    #[inline]
    fn drop(&mut self) {
        self.gauge.sub(self.n);
    }
}

impl fmt::Debug for GaugeHold<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GaugeHold").field(&self.n).finish()
    }
}
