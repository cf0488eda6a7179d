//! Iterators over the names and values of a snapshot.

use alloc::string::String;
use core::{iter, ops::Range};

use super::Snapshot;
use crate::Value;

/// An iterator over the names and values of a snapshot, in declaration order.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    snapshot: &'a Snapshot,
    indices: Range<usize>,
    len: usize,
}

impl<'a> Iter<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, indices: snapshot.indices(), len: snapshot.len }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.indices.find_map(|index| self.snapshot.entry(index))?;
        self.len -= 1;
        Some(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len, Some(self.len))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let next = self.indices.by_ref().rev().find_map(|index| self.snapshot.entry(index))?;
        self.len -= 1;
        Some(next)
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl iter::FusedIterator for Iter<'_> {}

impl<'a> IntoIterator for &'a Snapshot {
    type Item = (&'a str, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// An iterator that consumes a snapshot and returns its names and values, in declaration order.
#[derive(Clone, Debug)]
pub struct IntoIter {
    snapshot: Snapshot,
    indices: Range<usize>,
}

impl Iterator for IntoIter {
    type Item = (String, Value);

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.indices.find_map(|index| self.snapshot.take_entry(index))?;
        self.snapshot.len -= 1;
        Some(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.snapshot.len, Some(self.snapshot.len))
    }
}

impl DoubleEndedIterator for IntoIter {
    fn next_back(&mut self) -> Option<Self::Item> {
        let next = self.indices.by_ref().rev().find_map(|index| self.snapshot.take_entry(index))?;
        self.snapshot.len -= 1;
        Some(next)
    }
}

impl ExactSizeIterator for IntoIter {}
impl iter::FusedIterator for IntoIter {}

impl IntoIterator for Snapshot {
    type Item = (String, Value);
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter { indices: self.indices(), snapshot: self }
    }
}
