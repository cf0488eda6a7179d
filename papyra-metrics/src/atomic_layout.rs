//! The location of an instrument's atomics, for metrics that are published in shared memory.

use core::ptr;

use crate::histogram::scale::Scale;

/// The addresses of the 64-bit atomics that an instrument consists of.
#[derive(Clone, Copy, Debug)]
pub struct AtomicLayout {
    /// The address of the first cell. The total is the wrapping sum of all cells.
    pub first: usize,
    /// The number of cells.
    pub cells: usize,
    /// The distance between two cells, in bytes.
    pub stride: usize,
    /// The address of the baseline, which a reset sets to the sum of the cells. Without a baseline, a reset of a
    /// counter sets the cells to zero.
    pub baseline: Option<usize>,
    /// The content of the cells and the baseline.
    pub form: Form,
    /// The address of the flags that mark the cells in use. Readers of a published file ignore the flags.
    pub flags: Option<usize>,
}

/// The content of the cells of an instrument.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// Each cell is one word. The value is the sum of the cells.
    Sum,
    /// A single cell with the bits of an `f64`.
    Float,
    /// A single cell with the highest value as an `i64`, or `i64::MIN` if no value was recorded.
    Peak,
    /// Each cell, and the baseline, is a block with two words for each bucket: the bucket's count and the bucket's sum.
    Histogram(Scale<'static>),
}

impl AtomicLayout {
    /// Describes an instrument with a single cell.
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

    /// Adds the word that contains the flags.
    #[must_use]
    pub fn with_flags<A>(self, flags: &A) -> Self {
        Self { flags: Some(ptr::from_ref(flags).addr()), ..self }
    }
}
