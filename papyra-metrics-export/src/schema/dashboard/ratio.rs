//! Error ratios: the share of operations that fail.

use super::metric::Metric;
use super::promql::{Queries, aggregate, rate};
use crate::schema::model::Schema;
use crate::schema::roles::Role;

/// An error counter, and the metric that counts the operations in which the errors occur.
#[derive(Clone, Copy)]
pub(super) struct ErrorRatio<'m, 'a> {
    pub(super) errors: &'m Metric<'a>,
    /// The metric that counts the operations: a counter, or a histogram of the operations' durations.
    pub(super) operations: &'m Metric<'a>,
    /// Whether `operations` also counts failed operations.
    includes_errors: bool,
}

impl ErrorRatio<'_, '_> {
    /// Returns the expression for the share of operations that fail.
    pub(super) fn expr(&self, queries: &Queries) -> String {
        let [errors, operations] = [self.errors, self.operations]
            .map(|metric| aggregate("sum", &[], &rate(&queries.samples(metric))));
        if self.includes_errors {
            format!("{errors} / {operations}")
        } else {
            format!("{errors} / ({errors} + {operations})")
        }
    }
}

/// Returns an error ratio for each error counter whose operations are counted by another metric.
pub(super) fn all<'m, 'a>(schema: &Schema, metrics: &'m [Metric<'a>]) -> Vec<ErrorRatio<'m, 'a>> {
    let errors = metrics.iter().filter(|metric| metric.role == Some(Role::Errors));
    let ratios = errors.filter_map(|errors| {
        let operations = schema.operations_of_errors(errors.name)?;
        let includes_errors = operations.includes_errors();
        let operations = metrics.iter().find(|metric| metric.name == operations.name())?;
        Some(ErrorRatio { errors, operations, includes_errors })
    });
    ratios.collect()
}
