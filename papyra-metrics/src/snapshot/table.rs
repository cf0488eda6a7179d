//! The values of a snapshot that borrows its names from a static table of descriptors.

use alloc::vec::Vec;
use core::{iter::repeat_n, marker::PhantomData, mem::ManuallyDrop};

use crate::walk::{ErasedInstrument, ReadMode, Walker};
use crate::{Counter, Gauge, Instrument, Value};

/// The value of each metric in a table; `None` if the metric was absent (see [`Walker::metric`]).
#[derive(Clone)]
pub(super) struct Values {
    /// The values are dropped one by one only if one of them is a histogram. Other values own no memory, and checking each
    /// value would take a third of the time of a snapshot.
    values: Vec<ManuallyDrop<Option<Value>>>,
    /// How many of the values were histograms when they were added.
    histograms: usize,
}

impl Values {
    #[inline]
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { values: Vec::with_capacity(capacity), histograms: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Returns the value at `index`, or `None` if the metric was absent.
    pub(super) fn get(&self, index: usize) -> Option<&Value> {
        self.values.get(index)?.as_ref()
    }

    /// Removes and returns the value at `index`. Returns `None` if the metric was absent.
    pub(super) fn take(&mut self, index: usize) -> Option<Value> {
        self.values.get_mut(index)?.take()
    }

    /// Iterates over the values. A value may be replaced only by a value of the same kind, because `histograms` is not updated.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = Option<&mut Value>> {
        self.values.iter_mut().map(|value| value.as_mut())
    }

    fn push(&mut self, value: Value) {
        self.histograms += usize::from(matches!(value, Value::Histogram(_)));
        self.values.push(ManuallyDrop::new(Some(value)));
    }

    /// Appends numbers, which own no memory.
    #[inline]
    fn extend_numbers(&mut self, numbers: impl Iterator<Item = Value>) {
        self.values.extend(numbers.map(|number| ManuallyDrop::new(Some(number))));
    }

    fn push_absent(&mut self, count: usize) {
        self.values.extend(repeat_n(ManuallyDrop::new(None), count));
    }
}

impl From<Vec<Value>> for Values {
    fn from(values: Vec<Value>) -> Self {
        let histograms = values.iter().filter(|value| matches!(value, Value::Histogram(_))).count();
        let values = values.into_iter().map(|value| ManuallyDrop::new(Some(value))).collect();
        Self { values, histograms }
    }
}

impl Drop for Values {
    fn drop(&mut self) {
        if self.histograms > 0 {
            self.values.drain(..).for_each(|value| drop(ManuallyDrop::into_inner(value)));
        }
    }
}

/// The walker that reads the instruments of a struct into [`Values`].
pub(super) struct Collect<'a, R> {
    values: &'a mut Values,
    /// The number of metrics that have not been visited. If the walk visits more instruments than the table has metrics, the
    /// surplus instruments are ignored.
    left: usize,
    present: usize,
    mode: PhantomData<R>,
}

impl<'a, R: ReadMode> Collect<'a, R> {
    pub(super) fn new(values: &'a mut Values, table_len: usize) -> Self {
        Self { values, left: table_len, present: 0, mode: PhantomData }
    }

    /// Returns the number of metrics that were not absent.
    pub(super) fn present(&self) -> usize {
        self.present
    }

    /// Advances by `count` metrics, or to the end if fewer are left. Returns the number of metrics by which it has advanced.
    #[inline]
    fn next(&mut self, count: usize) -> usize {
        let next = count.min(self.left);
        self.left -= next;
        next
    }

    #[inline]
    fn read_batch<I: Instrument>(&mut self, instruments: &[&I]) {
        let next = &instruments[..self.next(instruments.len())];
        self.present += next.len();
        self.values.extend_numbers(next.iter().map(|instrument| R::read(*instrument)));
    }
}

impl<R: ReadMode> Walker for Collect<'_, R> {
    fn metric(&mut self, instrument: Option<&dyn ErasedInstrument>) {
        match instrument {
            None => self.absent(1),
            Some(instrument) if self.next(1) == 1 => {
                self.present += 1;
                self.values.push(R::read_erased(instrument));
            }
            Some(_) => {}
        }
    }

    fn counters(&mut self, counters: &[&Counter]) {
        self.read_batch(counters);
    }

    fn gauges(&mut self, gauges: &[&Gauge]) {
        self.read_batch(gauges);
    }

    fn absent(&mut self, count: usize) {
        let next = self.next(count);
        self.values.push_absent(next);
    }
}
