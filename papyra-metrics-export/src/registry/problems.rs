//! Problems: metrics that could not be exported, and why.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A metric or a backend that could not be exported, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The labels of the backend. Empty if the problem does not concern a single backend.
    pub backend: String,
    /// A description of the problem for humans.
    pub message: String,
}

impl Problem {
    pub(crate) fn new(backend: String, message: String) -> Self {
        Self { backend, message }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.backend.is_empty() {
            write!(f, "backend {}: ", self.backend)?;
        }
        f.write_str(&self.message)
    }
}

/// Current problems of an adapter. An adapter may have several reports. `Registry::problems` includes the problems of a
/// report until all clones of the report are dropped.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProblemReport(Arc<Mutex<Vec<Problem>>>);

impl ProblemReport {
    /// Replaces all problems of this report.
    pub(crate) fn set(&self, problems: Vec<Problem>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = problems;
    }

    pub(crate) fn add(&self, problem: Problem) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(problem);
    }
}

/// The reports of all adapters. A dropped report is skipped.
#[derive(Default)]
pub(super) struct ProblemReports(Mutex<Vec<Weak<Mutex<Vec<Problem>>>>>);

impl ProblemReports {
    pub(super) fn open(&self) -> ProblemReport {
        let report = ProblemReport::default();
        let mut reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reports.retain(|report| report.strong_count() > 0);
        reports.push(Arc::downgrade(&report.0));
        report
    }

    pub(super) fn all(&self) -> Vec<Problem> {
        let reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let reports = reports.iter().filter_map(Weak::upgrade);
        let problems = reports.map(|it| it.lock().unwrap_or_else(PoisonError::into_inner).clone());
        problems.flatten().collect()
    }
}
