//! Values of series: what a source shows, and what readers are shown.

use papyra_metrics::{Kind, Value};

/// A counter's total or a gauge's value; the kind of its family says which.
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
    pub(crate) fn total(self) -> u64 {
        self.0
    }

    #[inline]
    pub(crate) fn level(self) -> i64 {
        i64::from_ne_bytes(self.0.to_ne_bytes())
    }

    pub(crate) fn value(self, kind: Kind) -> Value {
        match kind {
            Kind::Gauge => Value::Gauge(self.level()),
            _ => Value::Counter(self.total()),
        }
    }
}

/// What a source showed of one metric when it was last read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Reading {
    /// Nothing: the metric is absent, or could not be read.
    #[default]
    Absent,
    Total(u64),
    Level(i64),
}

impl Reading {
    /// Returns the reading of a metric of this kind.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the value, as the end of a sentence that begins with the metric's name.
    pub(crate) fn new(kind: Kind, value: &Value) -> Result<Self, &'static str> {
        check_exported(kind)?;
        match (kind, value) {
            (_, Value::Histogram(_)) => Err("is not a histogram, but shows one"),
            (Kind::Counter, Value::Float(_)) => Err("is a counter, but shows a float"),
            (Kind::Counter, _) => {
                value.as_u64().map(Self::Total).ok_or("is a counter, but shows a negative number")
            }
            (_, Value::Float(_)) => Err(
                "is a gauge of floats, which is not exported yet; exclude it with `Registry::with_filter`, and \
                 read it with `Metrics::snapshot`",
            ),
            _ => value
                .as_i64()
                .map(Self::Level)
                .ok_or("is a gauge, but shows a number that exceeds an i64"),
        }
    }

    /// The value that is shown if there were no earlier sources.
    pub(crate) fn number(self) -> Option<Number> {
        match self {
            Self::Absent => None,
            Self::Total(total) => Some(Number::of_total(total)),
            Self::Level(level) => Some(Number::of_level(level)),
        }
    }
}

/// Checks whether metrics of this kind are exported.
///
/// # Errors
///
/// Returns why they are not, as the end of a sentence that begins with the metric's name.
pub(crate) fn check_exported(kind: Kind) -> Result<(), &'static str> {
    match kind {
        Kind::Counter | Kind::Gauge => Ok(()),
        Kind::Histogram => Err(
            "is a histogram, which is not exported yet; exclude it with `Registry::with_filter`, and read it with \
             `Metrics::snapshot`",
        ),
        _ => Err("is of a kind that is not exported; update papyra-metrics-export"),
    }
}

/// Where a series begins or goes on.
#[derive(Clone, Copy, Default)]
pub(crate) struct Start {
    pub(crate) shown: Number,
    pub(crate) base: u64,
    /// Whether there is something to show before the source is read.
    pub(crate) is_initialized: bool,
}

/// The values of many series. Stored field by field, because a reading touches all of them.
#[derive(Default)]
pub(crate) struct SeriesValues {
    /// What readers are shown: a counter's total over all of its sources, a gauge's value.
    shown: Vec<Number>,
    /// What a counter showed before its source counted, and before that fell. The source's own total is the
    /// difference.
    base: Vec<u64>,
    is_initialized: Vec<bool>,
}

impl SeriesValues {
    pub(crate) fn reserve(&mut self, series: usize) {
        self.shown.reserve(series);
        self.base.reserve(series);
        self.is_initialized.reserve(series);
    }

    pub(crate) fn len(&self) -> usize {
        self.shown.len()
    }

    pub(crate) fn push(&mut self, start: Start) {
        self.shown.push(start.shown);
        self.base.push(start.base);
        self.is_initialized.push(start.is_initialized);
    }

    pub(crate) fn shown(&self) -> &[Number] {
        &self.shown
    }

    pub(crate) fn is_initialized(&self, index: usize) -> bool {
        self.is_initialized[index]
    }

    /// The total that a counter's source itself showed last.
    pub(crate) fn source_total(&self, index: usize) -> u64 {
        self.shown[index].total().wrapping_sub(self.base[index])
    }

    /// Applies what a source shows to its series, which begin at this index. Returns whether one of them had no value
    /// before.
    pub(crate) fn apply(&mut self, first: usize, readings: &[Reading]) -> bool {
        let end = first + readings.len();
        let (shown, base) = (&mut self.shown[first..end], &mut self.base[first..end]);
        let is_initialized = &mut self.is_initialized[first..end];
        let mut is_new = false;
        for (((reading, shown), base), is_initialized) in
            readings.iter().zip(shown).zip(base).zip(is_initialized)
        {
            match *reading {
                Reading::Absent => continue,
                Reading::Total(total) => {
                    // A total that falls was reset. What it had counted is carried on.
                    if total < shown.total().wrapping_sub(*base) {
                        *base = shown.total();
                    }
                    *shown = Number::of_total(base.wrapping_add(total));
                }
                Reading::Level(level) => *shown = Number::of_level(level),
            }
            is_new |= !*is_initialized;
            *is_initialized = true;
        }
        is_new
    }

    /// Moves the values of some series towards the beginning. The caller truncates afterwards.
    pub(crate) fn shift(&mut self, from: usize, to: usize, len: usize) {
        self.shown.copy_within(from..from + len, to);
        self.base.copy_within(from..from + len, to);
        self.is_initialized.copy_within(from..from + len, to);
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.shown.truncate(len);
        self.base.truncate(len);
        self.is_initialized.truncate(len);
    }
}
