//! The metrics in the descriptor list of a source, and the runs of adjacent metrics of one kind.

use std::borrow::Cow;

use papyra_metrics::{Descriptor, Kind};

use crate::family::Family;

/// A list of descriptors, with the family of each metric and the runs of one kind. Sources with the same descriptors
/// share one `Listed`, if their filters accept the same metrics.
pub(crate) struct Listed {
    pub(crate) descriptors: Cow<'static, [Descriptor]>,
    /// The runs of metrics of one kind, in order.
    pub(crate) runs: Vec<KindRun>,
    /// The family of each metric; `None` if the metric is not exported.
    pub(crate) families: Box<[Option<Family>]>,
}

/// Adjacent metrics of one kind.
#[derive(Clone, Copy)]
pub(crate) struct KindRun {
    pub(crate) kind: Kind,
    /// The index after the run's last metric.
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
