//! The metrics that a type of source lists, and the runs of adjacent metrics of one kind.

use std::borrow::Cow;

use papyra_metrics::{Descriptor, Kind};

use crate::family::Family;

/// The metrics that a type of source lists. All sources with the same list of descriptors share them.
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
    /// The index that follows the index of the run's last metric.
    pub(crate) end: usize,
}

impl KindRun {
    pub(crate) fn all(descriptors: &[Descriptor]) -> Vec<Self> {
        let mut runs = Vec::new();
        let each = (1..).zip(descriptors).map(|(end, metric)| Self { kind: metric.kind(), end });
        Self::append(&mut runs, each);
        runs
    }

    /// Returns the number of metrics in these runs.
    pub(crate) fn len(runs: &[Self]) -> usize {
        runs.last().map_or(0, |run| run.end)
    }

    /// Appends runs. The ends of the new runs are counted from the end of the last run.
    pub(crate) fn append(runs: &mut Vec<Self>, more: impl IntoIterator<Item = Self>) {
        let first = Self::len(runs);
        for Self { kind, end } in more {
            match runs.last_mut() {
                Some(run) if run.kind == kind => run.end = first + end,
                _ => runs.push(Self { kind, end: first + end }),
            }
        }
    }
}
