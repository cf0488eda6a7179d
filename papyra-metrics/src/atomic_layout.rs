//! The location of an instrument's atomics, for metrics that are published in shared memory.

use core::ptr;

use crate::histogram::scale::Scale;

/// The addresses of the 64-bit atomics that an instrument consists of.
#[derive(Clone, Copy, Debug)]
pub struct AtomicLayout {
    /// The first cell. The value is the wrapping sum of all of them.
    pub first: usize,
    /// The number of cells.
    pub cells: usize,
    /// The distance between two cells, in bytes.
    pub stride: usize,
    /// The baseline, which a reset sets to the sum of the cells. Without one, a reset of a counter sets the cells to zero.
    pub baseline: Option<usize>,
    /// The type of numbers in the cells and the baseline.
    pub form: Form,
    /// The address of the word of flags that say which cells are in use, for the instrument itself alone.
    pub flags: Option<usize>,
}

/// The type of numbers in the cells of an instrument.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// One word each: a part of the value.
    Sum,
    /// One cell alone: the bits of an `f64`.
    Float,
    /// One cell alone: the highest value as an `i64`, and `i64::MIN` if there is none.
    Peak,
    /// A block each, and so is the baseline: two words for each bucket, its count and its sum.
    Histogram(Scale<'static>),
}

impl AtomicLayout {
    /// Describes an instrument that is one cell.
    pub fn cell<A>(cell: &A) -> Self {
        Self {
            first: ptr::from_ref(cell).addr(),
            cells: 1,
            stride: 8,
            baseline: None,
            form: Form::Sum,
            flags: None,
        }
    }

    /// Describes an instrument of several cells, starting with `first`.
    pub fn cells<A>(first: &A, cells: usize, stride: usize) -> Self {
        Self { cells, stride, ..Self::cell(first) }
    }

    /// Adds a baseline.
    #[must_use]
    pub fn with_baseline<A>(self, baseline: &A) -> Self {
        Self { baseline: Some(ptr::from_ref(baseline).addr()), ..self }
    }

    /// Sets what the cells contain.
    #[must_use]
    pub fn with_form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// Adds a word of flags.
    #[must_use]
    pub fn with_flags<A>(self, flags: &A) -> Self {
        Self { flags: Some(ptr::from_ref(flags).addr()), ..self }
    }
}
