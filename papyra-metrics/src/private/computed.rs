//! Values that are computed when they are read, from a field of any type.

use crate::{GaugeInteger, Value, Walker};

/// Passes the result of `compute` for the field to the walker, as a counter. The derive calls this function instead of the
/// closure, because its signature lets rustc infer the type of the closure's argument.
#[inline]
pub fn show_counter<T: ?Sized, N: CounterNumber>(
    field: &T,
    compute: impl FnOnce(&T) -> N,
    walker: &mut dyn Walker,
) {
    walker.instrument(&Value::Counter(compute(field).into_counter()));
}

/// Passes the result of `compute` for the field to the walker, as a gauge.
#[inline]
pub fn show_gauge<T: ?Sized, N: GaugeNumber>(
    field: &T,
    compute: impl FnOnce(&T) -> N,
    walker: &mut dyn Walker,
) {
    walker.instrument(&compute(field).into_gauge());
}

/// A number that can be the value of a computed counter.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a counter",
    label = "a computed counter is an integer",
    note = "convert it, as in `#[metrics(counter = |db| u64::from(db.compactions()))]`"
)]
pub trait CounterNumber {
    fn into_counter(self) -> u64;
}

/// A number that can be the value of a computed gauge.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a gauge",
    label = "a computed gauge is an integer or a float",
    note = "convert it, as in `#[metrics(gauge = |queue| queue.age().as_secs_f64())]`"
)]
pub trait GaugeNumber {
    fn into_gauge(self) -> Value;
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        #[diagnostic::do_not_recommend]
        impl CounterNumber for $integer {
            /// Converts negative numbers to zero, and numbers above `u64::MAX` to `u64::MAX`.
            #[inline]
            #[allow(unused_comparisons, clippy::absurd_extreme_comparisons)] // an unsigned `self` is never below 0
            fn into_counter(self) -> u64 {
                u64::try_from(self).unwrap_or(if self < 0 { 0 } else { u64::MAX })
            }
        }
    )*};
}

integers!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);

#[diagnostic::do_not_recommend]
impl<N: GaugeInteger> GaugeNumber for N {
    /// Clamps numbers to the range of a gauge.
    #[inline]
    fn into_gauge(self) -> Value {
        Value::Gauge(GaugeInteger::into_gauge(self))
    }
}

#[diagnostic::do_not_recommend]
impl GaugeNumber for f64 {
    #[inline]
    fn into_gauge(self) -> Value {
        Value::Float(self)
    }
}

#[diagnostic::do_not_recommend]
impl GaugeNumber for f32 {
    #[inline]
    fn into_gauge(self) -> Value {
        Value::Float(self.into())
    }
}
