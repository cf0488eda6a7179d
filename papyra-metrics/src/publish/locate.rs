//! Finds the location of each metric's atomics in a published struct.

use std::{slice, vec::Vec};

use super::description::Location;
use crate::__private::Publishable;
use crate::Descriptor;
use crate::atomic_layout::{AtomicLayout, Form};
use crate::walk::{ErasedInstrument, Walker};

/// A metric of a published struct, and the location of its atomics.
pub(super) struct Located {
    pub(super) descriptor: &'static Descriptor,
    /// The location, relative to the beginning of the struct.
    pub(super) location: Location,
    pub(super) form: Form,
    /// The offset in the struct of the word in which a sharded instrument marks the cells that it uses. Readers of the
    /// file ignore this word.
    flags: Option<u64>,
}

/// The walker that finds the location of each metric.
pub(super) struct MetricLocator {
    struct_at: usize,
    struct_len: usize,
    metrics: slice::Iter<'static, Descriptor>,
    pub(super) found: Vec<Located>,
    /// Whether all metrics so far consist of atomics in the struct.
    all_located: bool,
}

impl MetricLocator {
    /// Locates every metric. Returns `None` if a metric does not consist of atomics in the struct, or if the location of a
    /// metric exceeds the range of the file format.
    pub(super) fn locate<M: Publishable>(metrics: &M) -> Option<Self> {
        let mut locator = Self {
            struct_at: core::ptr::from_ref(metrics).addr(),
            struct_len: size_of::<M>(),
            metrics: M::__metrics().iter(),
            found: Vec::with_capacity(M::__metrics().len()),
            all_located: true,
        };
        metrics.walk(&mut locator);
        locator.all_located.then_some(locator)
    }

    /// Returns the offset of every word of every metric.
    pub(super) fn words(&self) -> impl Iterator<Item = usize> {
        self.found.iter().flat_map(|metric| {
            let words = (0..cell_words(metric.form)).flat_map(|word| {
                let location = metric.location.word(word);
                location.cells().chain(location.baseline)
            });
            // The conversion cannot fail, because each offset is less than the size of the struct.
            words.chain(metric.flags).filter_map(|offset| usize::try_from(offset).ok())
        })
    }

    /// Records the location of the next metric.
    fn push(&mut self, layout: Option<AtomicLayout>) {
        match (self.metrics.next(), layout) {
            (Some(descriptor), Some(layout)) => match self.located(descriptor, layout) {
                Some(located) => self.found.push(located),
                None => self.all_located = false,
            },
            _ => self.all_located = false,
        }
    }

    fn located(&self, descriptor: &'static Descriptor, layout: AtomicLayout) -> Option<Located> {
        let words = usize::try_from(cell_words(layout.form)).ok()?;
        let last =
            layout.stride.checked_mul(layout.cells.checked_sub(1)?)?.checked_add(layout.first)?;
        self.offset(last, words)?;
        let baseline = match layout.baseline {
            Some(baseline) => Some(self.offset(baseline, words)?),
            None => None,
        };
        let flags = match layout.flags {
            Some(flags) => Some(self.offset(flags, 1)?),
            None => None,
        };
        let location = Location {
            first: self.offset(layout.first, words)?,
            cells: u32::try_from(layout.cells).ok()?,
            stride: u64::try_from(layout.stride).ok()?,
            baseline,
        };
        Some(Located { descriptor, location, form: layout.form, flags })
    }

    /// Returns the offset of an address in the struct. Returns `None` if the offset is not a multiple of 8, or if `words`
    /// words, beginning at the address, are not all in the struct.
    fn offset(&self, address: usize, words: usize) -> Option<u64> {
        let offset = address.checked_sub(self.struct_at)?;
        let end = words.checked_mul(8)?.checked_add(offset)?;
        u64::try_from(offset).ok().filter(|_| end <= self.struct_len && offset % 8 == 0)
    }
}

fn cell_words(form: Form) -> u64 {
    match form {
        Form::Histogram(scale) => 2 * (scale.bounds.len() as u64 + 1),
        _ => 1,
    }
}

impl Walker for MetricLocator {
    fn metric(&mut self, instrument: Option<&dyn ErasedInstrument>) {
        self.push(instrument.and_then(ErasedInstrument::__atomic_layout));
    }
}
