//! The metrics of a source, and the runs of one kind among them.

use papyra_metrics::{Descriptor, Kind};

use crate::family::Family;

/// The metrics of a source, as it listed them when it was registered.
#[derive(Clone, Copy)]
pub(crate) struct Listed<'a> {
    pub(crate) descriptors: &'a [Descriptor],
    /// The metrics in runs of one kind.
    pub(crate) runs: &'a [KindRun],
    /// The family of each; `None` if the metric is not exported.
    pub(crate) families: &'a [Option<Family>],
    /// The address of the source's own list.
    pub(crate) address: usize,
}

/// Neighbouring metrics of one kind.
pub(crate) struct KindRun {
    pub(crate) kind: Kind,
    /// The index behind the last one.
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
