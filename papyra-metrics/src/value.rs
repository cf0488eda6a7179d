//! The value of one metric in one reading.

use core::fmt;

#[cfg(feature = "alloc")]
use alloc::boxed::Box;

#[cfg(feature = "alloc")]
use crate::Distribution;
use crate::Kind;

/// One reading of one metric.
///
/// Two values are equal if their numbers are equal, whatever their kinds. A value can be compared with primitive
/// integers and `f64`, on either side. A histogram equals only a histogram. As with floats, NaN does not equal itself.
///
/// ```
/// use papyra_metrics::Value;
///
/// assert_eq!(Value::Counter(3), Value::Gauge(3));
/// assert_eq!(Value::Gauge(-1), -1);
/// assert_eq!(3_u64, Value::Counter(3));
/// assert_eq!(Value::Float(0.5), 0.5);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Value {
    /// The value of a counter: a number of events.
    Counter(u64),
    /// The value of a gauge.
    Gauge(i64),
    /// The value of a gauge of floating-point numbers.
    Float(f64),
    /// The values that a histogram has recorded.
    #[cfg(feature = "alloc")]
    Histogram(Box<Distribution>),
}

impl Value {
    /// Returns the number, neither rounded nor wrapped, or `None` if it is not an integer in the range of `u64`.
    pub fn as_u64(&self) -> Option<u64> {
        self.integer().and_then(|n| u64::try_from(n).ok())
    }

    /// Returns the number, neither rounded nor wrapped, or `None` if it is not an integer in the range of `i64`.
    pub fn as_i64(&self) -> Option<i64> {
        self.integer().and_then(|n| i64::try_from(n).ok())
    }

    /// Returns the number as a float, or NaN for a histogram. An integer above 2⁵³ in magnitude is rounded to the nearest
    /// float.
    #[allow(clippy::cast_precision_loss)] // documented as the nearest float
    pub fn as_f64(&self) -> f64 {
        match *self {
            Self::Counter(n) => n as f64,
            Self::Gauge(n) => n as f64,
            Self::Float(n) => n,
            #[cfg(feature = "alloc")]
            Self::Histogram(_) => f64::NAN,
        }
    }

    /// Returns the distribution if this is a histogram.
    #[cfg(feature = "alloc")]
    pub fn as_histogram(&self) -> Option<&Distribution> {
        match self {
            Self::Histogram(distribution) => Some(distribution),
            _ => None,
        }
    }

    /// Returns the kind of metric that has such values.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Counter(_) => Kind::Counter,
            Self::Gauge(_) | Self::Float(_) => Kind::Gauge,
            #[cfg(feature = "alloc")]
            Self::Histogram(_) => Kind::Histogram,
        }
    }

    /// Returns the number if it is an integer in the range of `i128`, which includes every `u64` and `i64`.
    fn integer(&self) -> Option<i128> {
        match *self {
            Self::Counter(n) => Some(n.into()),
            Self::Gauge(n) => Some(n.into()),
            Self::Float(n) => integer(n),
            #[cfg(feature = "alloc")]
            Self::Histogram(_) => None,
        }
    }
}

/// 2¹²⁷, the smallest float above the range of `i128`.
const ABOVE_I128: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;

/// Returns the float as an integer if it is a whole number in the range of `i128`.
fn integer(n: f64) -> Option<i128> {
    #[allow(clippy::cast_possible_truncation)] // `n` is an integer in the range of `i128`
    (n % 1.0 == 0.0 && (-ABOVE_I128..ABOVE_I128).contains(&n)).then_some(n as i128)
}

/// Returns the float as an integer if the float is above the range of `i128`, but within the range of `u128`. All such floats
/// are whole numbers.
fn large_integer(n: f64) -> Option<u128> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // `n` is in this range
    (ABOVE_I128..2.0 * ABOVE_I128).contains(&n).then_some(n as u128)
}

impl fmt::Display for Value {
    /// Writes the number with the formatter's width and fill. A histogram is displayed as its
    /// [`Distribution`](crate::Distribution).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counter(n) => n.fmt(f),
            Self::Gauge(n) => n.fmt(f),
            Self::Float(n) => n.fmt(f),
            #[cfg(feature = "alloc")]
            Self::Histogram(distribution) => distribution.fmt(f),
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            #[cfg(feature = "alloc")]
            (Self::Histogram(a), Self::Histogram(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b,
            _ => self.integer().is_some_and(|integer| other.integer() == Some(integer)),
        }
    }
}

impl PartialEq<f64> for Value {
    fn eq(&self, other: &f64) -> bool {
        *self == Self::Float(*other)
    }
}

impl PartialEq<Value> for f64 {
    fn eq(&self, other: &Value) -> bool {
        other == self
    }
}

macro_rules! equal_to_integers {
    ($($integer:ty)*) => {$(
        impl PartialEq<$integer> for Value {
            fn eq(&self, other: &$integer) -> bool {
                match (i128::try_from(*other), u128::try_from(*other), self) {
                    (Ok(other), _, _) => self.integer() == Some(other),
                    (_, Ok(other), Self::Float(n)) => large_integer(*n) == Some(other),
                    _ => false,
                }
            }
        }

        impl PartialEq<Value> for $integer {
            fn eq(&self, other: &Value) -> bool {
                other == self
            }
        }
    )*};
}
equal_to_integers!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);
