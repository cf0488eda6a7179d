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
    pub(crate) fn all(descriptors: &[Descriptor]) -> Box<[Self]> {
        let runs = descriptors.chunk_by(|a, b| a.kind() == b.kind());
        let mut end = 0;
        runs.map(|run| {
            end += run.len();
            Self { kind: run[0].kind(), end }
        })
        .collect()
    }
}
