//! The labels of a descriptor.

use core::fmt;
use core::iter::FusedIterator;

use crate::label::{LabelValues, value_at};
use crate::naming::{assert_label_name, assert_label_value, equal};

/// The labels of one series, in three parts. The labels that a family adds are not stored for each member, but computed from
/// the position of the member. Stored lists would make programs large, because the compiler emits a copy of a list for each
/// pointer to it.
#[derive(Clone, Copy)]
pub(crate) struct LabelSet {
    /// The labels that flattened fields add.
    pub(crate) outer: &'static [(&'static str, &'static str)],
    /// The labels of the metric itself.
    pub(crate) own: &'static [(&'static str, &'static str)],
    /// The labels of the family; empty for a metric that is not a member of a family.
    pub(crate) family: &'static [LabelValues],
    /// The position of the member in the family.
    pub(crate) member: usize,
}

impl LabelSet {
    pub(crate) const NONE: Self = Self { outer: &[], own: &[], family: &[], member: 0 };

    pub(crate) const fn len(&self) -> usize {
        self.outer.len() + self.own.len() + self.family.len()
    }

    /// Returns the label at a position, which must exist.
    pub(crate) const fn get(&self, mut position: usize) -> (&'static str, &'static str) {
        if position < self.outer.len() {
            return self.outer[position];
        }
        position -= self.outer.len();
        if position < self.own.len() {
            return self.own[position];
        }
        position -= self.own.len();
        (self.family[position].name(), value_at(self.family, position, self.member))
    }

    /// Returns the value of the label with this name, or `None` if there is no such label.
    pub(crate) const fn value_of(&self, name: &str) -> Option<&'static str> {
        let mut i = 0;
        while i < self.len() {
            let (known, value) = self.get(i);
            if equal(known.as_bytes(), name.as_bytes()) {
                return Some(value);
            }
            i += 1;
        }
        None
    }

    /// Returns the first label name that occurs twice, or `None` if all names are distinct.
    pub(crate) const fn repeated_name(&self) -> Option<&'static str> {
        let mut i = 0;
        while i < self.len() {
            let name = self.get(i).0;
            let mut j = 0;
            while j < i {
                if equal(self.get(j).0.as_bytes(), name.as_bytes()) {
                    return Some(name);
                }
                j += 1;
            }
            i += 1;
        }
        None
    }
}

/// Panics if the labels are not valid for a metric.
#[track_caller]
pub(crate) const fn assert_labels(labels: &'static [(&'static str, &'static str)]) {
    let mut rest = labels;
    while let [(name, value), after @ ..] = rest {
        assert_label_name(name);
        assert_label_value(value);
        rest = after;
    }
    let labels = LabelSet { own: labels, ..LabelSet::NONE };
    assert!(labels.repeated_name().is_none(), "a metric cannot have two labels with the same name");
}

/// An iterator over the labels of a [`Descriptor`](crate::Descriptor), as pairs of name and value, in declaration order.
#[derive(Clone)]
pub struct DescriptorLabels<'a> {
    labels: &'a LabelSet,
    next: usize,
}

impl<'a> DescriptorLabels<'a> {
    pub(crate) const fn new(labels: &'a LabelSet) -> Self {
        Self { labels, next: 0 }
    }
}

impl<'a> Iterator for DescriptorLabels<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        (self.next < self.labels.len()).then(|| {
            self.next += 1;
            self.labels.get(self.next - 1)
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.labels.len() - self.next;
        (len, Some(len))
    }
}

impl ExactSizeIterator for DescriptorLabels<'_> {}
impl FusedIterator for DescriptorLabels<'_> {}

impl fmt::Debug for DescriptorLabels<'_> {
    /// Formats the remaining labels as a map.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.clone()).finish()
    }
}
