//! Finds where the atomics of each metric lie in a published struct.

use std::{slice, vec::Vec};

use super::description::Location;
use crate::__private::DescriptorTable;
use crate::Descriptor;
use crate::atomic_layout::AtomicLayout;
use crate::walk::{ErasedInstrument, Walker};

/// The location of each metric, from the beginning of the struct.
pub(super) struct MetricLocator {
    struct_at: usize,
    struct_len: usize,
    metrics: slice::Iter<'static, Descriptor>,
    pub(super) found: Vec<(&'static Descriptor, Location)>,
    /// Whether every word so far lies in the struct.
    all: bool,
}

impl MetricLocator {
    /// Locates every metric. Returns `None` if one lies outside of the struct.
    pub(super) fn locate<M: DescriptorTable>(metrics: &M) -> Option<Self> {
        let mut locator = Self {
            struct_at: core::ptr::from_ref(metrics).addr(),
            struct_len: size_of::<M>(),
            metrics: M::METRICS.iter(),
            found: Vec::with_capacity(M::METRICS.len()),
            all: true,
        };
        metrics.walk(&mut locator);
        locator.all.then_some(locator)
    }

    /// Returns the offset of every word of every metric.
    pub(super) fn words(&self) -> impl Iterator<Item = usize> {
        self.found
            .iter()
            .flat_map(|(_, location)| location.cells().chain(location.baseline))
            // Each has been a `usize` before.
            .filter_map(|offset| usize::try_from(offset).ok())
    }

    /// Notes the location of the next metric.
    fn push(&mut self, words: Option<AtomicLayout>) {
        match (self.metrics.next(), words.and_then(|words| self.location(words))) {
            (Some(metric), Some(location)) => self.found.push((metric, location)),
            _ => self.all = false,
        }
    }

    fn location(&self, words: AtomicLayout) -> Option<Location> {
        let last =
            words.stride.checked_mul(words.cells.checked_sub(1)?)?.checked_add(words.first)?;
        self.offset(last)?;
        Some(Location {
            first: self.offset(words.first)?,
            cells: u32::try_from(words.cells).ok()?,
            stride: u64::try_from(words.stride).ok()?,
            baseline: words
                .baseline
                .map(|baseline| self.offset(baseline).ok_or(()))
                .transpose()
                .ok()?,
        })
    }

    fn offset(&self, word: usize) -> Option<u64> {
        let offset = word.checked_sub(self.struct_at)?;
        u64::try_from(offset).ok().filter(|_| offset + 8 <= self.struct_len && offset % 8 == 0)
    }
}

impl Walker for MetricLocator {
    fn metric(&mut self, instrument: Option<&dyn ErasedInstrument>) {
        self.push(instrument.and_then(ErasedInstrument::__atomic_layout));
    }
}
