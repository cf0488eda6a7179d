//! What was read of a series, in sixteen bytes: there are many, and each reading touches them all.

use std::mem;

use papyra_metrics::{Kind, Value};

/// A counter's total or a gauge's level; the kind of its family tells which.
#[derive(Clone, Copy, Default)]
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

    /// What this value is to readers of that kind, or why it is nothing.
    pub(crate) fn of(kind: Kind, value: &Value) -> Result<Self, &'static str> {
        match kind {
            Kind::Counter => value
                .as_u64()
                .map(Self::of_total)
                .ok_or("is a counter, but shows a negative number"),
            Kind::Gauge => value
                .as_i64()
                .map(Self::of_level)
                .ok_or("is a gauge, but shows more than an i64 holds"),
            _ => Err("is of a kind that is not known here"),
        }
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
        if kind == Kind::Counter {
            Value::Counter(self.total())
        } else {
            Value::Gauge(self.level())
        }
    }
}

/// What was read of a series.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cell {
    /// What the source last showed.
    last: Number,
    /// What earlier sources of a counter have counted, and this one before its total fell. A level has none.
    carry: u64,
}

impl Cell {
    /// A counter's total. One that has fallen was reset, and what was read before would be lost.
    #[inline]
    pub(crate) fn count(&mut self, total: u64) {
        if total < self.last.total() {
            self.close();
        }
        self.last = Number::of_total(total);
    }

    #[inline]
    pub(crate) fn set(&mut self, level: i64) {
        self.last = Number::of_level(level);
    }

    /// What a metric of that kind shows.
    pub(crate) fn update(&mut self, kind: Kind, value: &Value) -> Result<(), &'static str> {
        let number = Number::of(kind, value)?;
        if kind == Kind::Counter {
            self.count(number.total())
        } else {
            self.last = number
        }
        Ok(())
    }

    /// What readers are shown: a counter's total over all its sources, a gauge's level.
    #[inline]
    pub(crate) fn shown(self) -> Number {
        Number(self.last.0.wrapping_add(self.carry))
    }

    /// A counter's source is gone, or another one all the same: it may begin again at zero.
    pub(crate) fn close(&mut self) {
        self.carry = self.carry.wrapping_add(mem::take(&mut self.last).total());
    }
}
