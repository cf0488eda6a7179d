//! What one reading of one metric gives.

use core::fmt;

/// What kind of thing a metric measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Events: the value only grows.
    Counter,
    /// A level: the value goes up and down.
    Gauge,
}

impl fmt::Display for Kind {
    /// `counter` or `gauge`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        })
    }
}

/// One reading of one metric.
///
/// Two values are equal when their numbers are, whatever their kind, and a value equals a primitive integer
/// of the same number, on either side:
///
/// ```
/// use papyra_metrics::Value;
///
/// assert_eq!(Value::Counter(3), Value::Gauge(3));
/// assert_eq!(Value::Gauge(-1), -1);
/// assert_eq!(3_u64, Value::Counter(3));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Value {
    /// How often something has happened.
    Counter(u64),
    /// How much of something there is.
    Gauge(i64),
}

impl Value {
    /// The number, or `None` where it is negative. Never a wrapped one.
    pub fn as_u64(&self) -> Option<u64> {
        match *self {
            Self::Counter(n) => Some(n),
            Self::Gauge(n) => u64::try_from(n).ok(),
        }
    }

    /// The number, or `None` where it exceeds `i64::MAX`. Never a wrapped one.
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Self::Counter(n) => i64::try_from(n).ok(),
            Self::Gauge(n) => Some(n),
        }
    }

    /// The nearest float: exact up to 2⁵³.
    #[allow(clippy::cast_precision_loss)] // it is what the name says
    pub fn as_f64(&self) -> f64 {
        match *self {
            Self::Counter(n) => n as f64,
            Self::Gauge(n) => n as f64,
        }
    }

    /// Whether this is a counter or a gauge.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Counter(_) => Kind::Counter,
            Self::Gauge(_) => Kind::Gauge,
        }
    }

    /// The number in the one type that holds every one of them.
    fn number(&self) -> i128 {
        match *self {
            Self::Counter(n) => n.into(),
            Self::Gauge(n) => n.into(),
        }
    }
}

impl fmt::Display for Value {
    /// The bare number; width and fill are honoured.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counter(n) => n.fmt(f),
            Self::Gauge(n) => n.fmt(f),
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.number() == other.number()
    }
}

impl Eq for Value {}

macro_rules! equal_to_integers {
    ($($integer:ty)*) => {$(
        impl PartialEq<$integer> for Value {
            fn eq(&self, other: &$integer) -> bool {
                i128::try_from(*other).is_ok_and(|other| self.number() == other)
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
