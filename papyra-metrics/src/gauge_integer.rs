//! The integers that gauges accept.

/// An integer that a [`Gauge`](crate::Gauge) or a [`Peak`](crate::Peak) accepts: any of Rust's integer types, so that
/// the length of a collection or the size of a file needs no conversion.
///
/// A gauge has the range of an `i64`. An integer outside this range is clamped to the range.
///
/// ```
/// use papyra_metrics::Gauge;
///
/// static WAITING: Gauge = Gauge::new();
/// static BUFFERED_BYTES: Gauge = Gauge::new();
///
/// let queue = vec!["first", "second"];
/// WAITING.set(queue.len());
/// BUFFERED_BYTES.add(4096_u64);
/// assert_eq!((WAITING.get(), BUFFERED_BYTES.get()), (2, 4096));
///
/// BUFFERED_BYTES.set(u64::MAX);
/// assert_eq!(BUFFERED_BYTES.get(), i64::MAX);
/// ```
///
/// # Literals
///
/// Rust infers `i32` for an integer literal if nothing else determines its type. A gauge does not determine the type,
/// because a gauge accepts all integer types. So add a type suffix to a large literal. Also add one to the initial
/// value of a variable that is computed only from literals, such as `bytes` below. The compiler rejects a literal that
/// exceeds an `i32`, but a sum of smaller literals can overflow at run time. Nor does a gauge determine the type of
/// `n.into()`, so write `n` or `i64::from(n)` instead.
///
/// ```
/// # use papyra_metrics::Gauge;
/// # static BUFFERED_BYTES: Gauge = Gauge::new();
/// BUFFERED_BYTES.set(5_000_000_000_i64);
///
/// let mut bytes = 0_i64;
/// for _ in 0..5 {
///     bytes += 1_000_000_000;
/// }
/// BUFFERED_BYTES.set(bytes);
/// assert_eq!(BUFFERED_BYTES.get(), 5_000_000_000);
/// ```
///
/// # Other types
///
/// Implement this trait for an integer type of your own, such as a number of bytes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a gauge",
    label = "expected an integer",
    note = "floats are the values of a `FloatGauge`"
)]
pub trait GaugeInteger {
    /// Returns the integer, or the nearest integer in the range of a gauge.
    fn into_gauge(self) -> i64;
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        #[diagnostic::do_not_recommend]
        impl GaugeInteger for $integer {
            #[inline]
            #[allow(unused_comparisons, clippy::absurd_extreme_comparisons)] // an unsigned `self` is never below 0
            fn into_gauge(self) -> i64 {
                let nearest = if self < 0 { i64::MIN } else { i64::MAX };
                i64::try_from(self).unwrap_or(nearest)
            }
        }
    )*};
}

integers!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);
