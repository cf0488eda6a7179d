//! The metrics of a source, and the runs of adjacent metrics of one kind.

use papyra_metrics::{Descriptor, Kind};

use crate::family::Family;

/// The metrics of a source, as it listed them when it was registered.
#[derive(Clone, Copy)]
pub(crate) struct Listed<'a> {
    pub(crate) descriptors: &'a [Descriptor],
    /// The runs of metrics of one kind, in order.
    pub(crate) runs: &'a [KindRun],
    /// The family of each metric; `None` if the metric is not exported.
    pub(crate) families: &'a [Option<Family>],
    /// The address of the source's descriptors, by which an unchanged list is recognized.
    pub(crate) address: usize,
}

/// Adjacent metrics of one kind.
pub(crate) struct KindRun {
    pub(crate) kind: Kind,
    /// The index after the last metric.
    pub(crate) end: usize,
}

impl KindRun {
    pub(crate) fn all(descriptors: &[Descriptor]) -> Vec<Self> {
        let mut runs: Vec<Self> = Vec::new();
        for (end, metric) in (1..).zip(descriptors) {
            match runs.last_mut() {
                Some(run) if run.kind == metric.kind() => run.end = end,
                _ => runs.push(Self { kind: metric.kind(), end }),
            }
        }
        runs
    }
}
