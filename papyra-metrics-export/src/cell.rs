//! What was read of the series, in a few bytes each: there are many, and each reading touches them all.

use std::ops::Range;
use std::{iter, mem};

use papyra_metrics::{Kind, Value};
use smallvec::SmallVec;

/// A counter's total or a gauge's level; the kind of its family tells which.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
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

/// What was read of each series of a slot. Field by field: a reading touches all of them.
#[derive(Default)]
pub(crate) struct Cells {
    /// What readers are shown: a counter's total over all its sources, a gauge's level. Of a small backend, such as
    /// `PersistenceMetrics`, they are where the slot is.
    shown: SmallVec<[Number; 12]>,
    /// Where a counter's source began: what earlier sources have counted, and this one before its total fell.
    /// Empty as long as that is nowhere anything: most backends stay, and what is not there is not fetched.
    began: Vec<u64>,
    /// Whether there is something to show: what is flattened as `None`, say, has nothing.
    are_read: Vec<bool>,
    /// Of how many there was not when that was last asked.
    unread: usize,
}

impl Cells {
    pub(crate) fn reserve_exact(&mut self, series: usize) {
        self.shown.reserve_exact(series);
        self.are_read.reserve_exact(series);
    }

    /// A series that has yet to be read.
    pub(crate) fn add(&mut self) {
        self.shown.push(Number::default());
        if !self.began.is_empty() {
            self.began.push(0);
        }
        self.are_read.push(false);
        self.unread += 1;
    }

    /// Counters show these totals. One that has fallen was reset, and what was read before would be lost.
    #[inline]
    pub(crate) fn count(&mut self, places: Range<usize>, totals: impl Iterator<Item = u64>) {
        let Self { shown, began, .. } = self;
        let len = shown.len();
        let each = shown[places.clone()].iter_mut().zip(totals);
        if began.is_empty() {
            for (i, (shown, total)) in each.enumerate() {
                let before = shown.total();
                *shown = Number::of_total(total);
                if total < before {
                    began.resize(len, 0);
                    began[places.start + i] = before;
                    *shown = Number::of_total(before.wrapping_add(total));
                }
            }
        } else {
            for ((shown, total), began) in each.zip(&mut began[places.clone()]) {
                if total < shown.total().wrapping_sub(*began) {
                    *began = shown.total();
                }
                *shown = Number::of_total(began.wrapping_add(total));
            }
        }
        self.note(places);
    }

    /// Gauges show these levels.
    #[inline]
    pub(crate) fn set(&mut self, places: Range<usize>, levels: impl Iterator<Item = i64>) {
        for (shown, level) in self.shown[places.clone()].iter_mut().zip(levels) {
            *shown = Number::of_level(level);
        }
        self.note(places);
    }

    /// These have been read.
    #[inline]
    fn note(&mut self, places: Range<usize>) {
        if self.unread > 0 {
            self.are_read[places].fill(true);
        }
    }

    /// A metric of that kind shows this, which may be none of its values.
    pub(crate) fn update(
        &mut self,
        place: usize,
        kind: Kind,
        value: &Value,
    ) -> Result<(), &'static str> {
        let number = Number::of(kind, value)?;
        match kind {
            Kind::Counter => self.count(place..place + 1, iter::once(number.total())),
            _ => self.set(place..place + 1, iter::once(number.level())),
        }
        Ok(())
    }

    /// A counter's source is gone: another one begins again at zero.
    pub(crate) fn close(&mut self, place: usize) {
        self.began.resize(self.shown.len(), 0);
        self.began[place] = self.shown[place].total();
    }

    /// A gauge's source has changed: there is nothing to show before the new one is read.
    pub(crate) fn forget(&mut self, place: usize) {
        self.unread += usize::from(mem::replace(&mut self.are_read[place], false));
    }

    pub(crate) fn shown(&self) -> &[Number] {
        &self.shown
    }

    pub(crate) fn are_read(&self) -> &[bool] {
        &self.are_read
    }

    /// Whether some have been read that had not been when this was last asked.
    pub(crate) fn more_are_read(&mut self) -> bool {
        if self.unread == 0 {
            return false;
        }
        let unread = self.are_read.iter().filter(|&&is_read| !is_read).count();
        mem::replace(&mut self.unread, unread) > unread
    }
}
