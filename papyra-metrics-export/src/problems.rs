//! What could not be exported, as adapters report it to the registry.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::Problem;

/// The current problems of one adapter. They are gone when it is dropped.
#[derive(Default)]
pub(crate) struct ProblemReport(Arc<Mutex<Vec<Problem>>>);

impl ProblemReport {
    /// Replaces what was reported before.
    pub(crate) fn set(&self, problems: Vec<Problem>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = problems;
    }
}

/// The reports of all adapters.
#[derive(Default)]
pub(crate) struct ProblemReports(Mutex<Vec<Weak<Mutex<Vec<Problem>>>>>);

impl ProblemReports {
    pub(crate) fn open(&self) -> ProblemReport {
        let report = ProblemReport::default();
        let mut reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reports.retain(|report| report.strong_count() > 0);
        reports.push(Arc::downgrade(&report.0));
        report
    }

    pub(crate) fn all(&self) -> Vec<Problem> {
        let reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let reports = reports.iter().filter_map(Weak::upgrade);
        let problems = reports.map(|it| it.lock().unwrap_or_else(PoisonError::into_inner).clone());
        problems.flatten().collect()
    }
}
