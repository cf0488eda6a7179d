//! Runs of adjacent readings that have the same form.

use super::number::Form;

/// Adjacent readings of one form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct FormRun {
    /// `None` for metrics that are absent or could not be read.
    pub(super) form: Option<Form>,
    /// The index after the run's last reading.
    pub(super) end: usize,
}

impl FormRun {
    /// Extends a list of runs up to the index `end`, exclusive, with readings of one form.
    #[inline]
    pub(super) fn append(runs: &mut Vec<Self>, form: Option<Form>, end: usize) {
        match runs.last_mut() {
            Some(run) if run.form == form => run.end = end,
            _ => runs.push(Self { form, end }),
        }
    }

    /// Returns the position of the run that contains this index.
    pub(super) fn position(runs: &[Self], index: usize) -> usize {
        if index == 0 { 0 } else { runs.partition_point(|run| run.end <= index) }
    }
}
