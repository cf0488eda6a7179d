//! The numeric value of a series in one reading, and the type of the values of a series.

use papyra_metrics::{Kind, Value};

/// The type of the values of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The totals of a counter.
    Total,
    /// The values of a gauge of integers.
    Level,
    /// The values of a gauge of floats.
    Float,
    /// The buckets of a histogram.
    Histogram,
}

/// One value of a series, or an index if the series is a histogram. The series' [`Form`] determines the type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Number(u64);

impl Number {
    #[inline]
    pub(crate) fn of_total(total: u64) -> Self {
        Self(total)
    }

    #[inline]
    pub(crate) fn of_level(level: i64) -> Self {
        Self(u64::from_ne_bytes(level.to_ne_bytes()))
    }

    #[inline]
    pub(crate) fn of_float(value: f64) -> Self {
        Self(value.to_bits())
    }

    #[inline]
    pub(crate) fn total(self) -> u64 {
        self.0
    }

    #[inline]
    pub(crate) fn level(self) -> i64 {
        i64::from_ne_bytes(self.0.to_ne_bytes())
    }

    #[inline]
    pub(crate) fn float(self) -> f64 {
        f64::from_bits(self.0)
    }

    /// Returns the number as a value, or `None` for a histogram, whose number is only an index.
    pub(crate) fn value(self, form: Form) -> Option<Value> {
        match form {
            Form::Total => Some(Value::Counter(self.total())),
            Form::Level => Some(Value::Gauge(self.level())),
            Form::Float => Some(Value::Float(self.float())),
            Form::Histogram => None,
        }
    }

    /// Creates the number of a histogram: an index into a list of histograms or of buckets.
    pub(super) fn of_index(index: usize) -> Self {
        Self(index as u64)
    }

    #[allow(clippy::cast_possible_truncation)] // the number was a `usize`
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Converts the value of a counter or a gauge to its form and number.
///
/// # Errors
///
/// If the value does not fit the kind, returns the reason. The reason continues a sentence that begins with the
/// metric's name.
pub(crate) fn number_of(kind: Kind, value: &Value) -> Result<(Form, Number), &'static str> {
    match (kind, value) {
        (_, Value::Histogram(_)) => {
            Err("is not a histogram, but its value is one; declare it with `Descriptor::histogram`")
        }
        (Kind::Counter, Value::Float(_)) => {
            Err("is a counter, but its value is a float; use `Value::Counter`")
        }
        (Kind::Counter, _) => {
            let total = value
                .as_u64()
                .ok_or("is a counter, but its value is negative; use `Value::Counter`")?;
            Ok((Form::Total, Number::of_total(total)))
        }
        (_, Value::Float(value)) => Ok((Form::Float, Number::of_float(*value))),
        _ => {
            let level = value
                .as_i64()
                .ok_or("is a gauge, but its value exceeds `i64::MAX`; use `Value::Float`")?;
            Ok((Form::Level, Number::of_level(level)))
        }
    }
}

/// Checks whether metrics of this kind are exported.
///
/// # Errors
///
/// If metrics of this kind are not exported, returns the reason. The reason continues a sentence that begins with the
/// metric's name.
pub(crate) fn check_exported(kind: Kind) -> Result<(), &'static str> {
    match kind {
        Kind::Counter | Kind::Gauge | Kind::Histogram => Ok(()),
        _ => Err("is of a kind that is not exported; update papyra-metrics-export"),
    }
}
