//! What metrics are for, from their names.

use papyra_metrics::Kind;

use super::metric::{Metric, is_same_word};
use super::promql::{Queries, aggregate, rate};

/// Returns whether a metric counts errors.
pub(super) fn is_error_counter(metric: &Metric<'_>) -> bool {
    metric.kind() == Kind::Counter && metric.words.last() == Some(&"errors")
}

/// Returns whether a metric is the number of operations that have begun and not ended.
pub(super) fn is_in_flight(metric: &Metric<'_>) -> bool {
    metric.kind() == Kind::Gauge && metric.words.ends_with(&["in", "flight"])
}

/// An error counter, and what counts the attempts that may fail.
#[derive(Clone, Copy)]
pub(super) struct ErrorRatio<'m, 'a> {
    pub(super) errors: &'m Metric<'a>,
    /// A counter, or a histogram of how long each attempt takes.
    pub(super) attempts: &'m Metric<'a>,
}

impl ErrorRatio<'_, '_> {
    /// The part of the attempts that fail.
    pub(super) fn expr(&self, queries: &Queries) -> String {
        let [errors, attempts] = [self.errors, self.attempts]
            .map(|metric| aggregate("sum", &[], &rate(&queries.samples(metric))));
        format!("{errors} / {attempts}")
    }
}

/// Returns the error counters whose attempts are known.
pub(super) fn error_ratios<'m, 'a>(metrics: &'m [Metric<'a>]) -> Vec<ErrorRatio<'m, 'a>> {
    let errors = metrics.iter().filter(|metric| is_error_counter(metric));
    let ratios = errors.filter_map(|errors| {
        let [operation @ .., _] = &*errors.words else { return None };
        Some(ErrorRatio { errors, attempts: attempts(operation, metrics)? })
    });
    ratios.collect()
}

/// Returns what counts the attempts of an operation, such as `write` or `wal`: a histogram `write_seconds`, a counter
/// `writes` or `write_runs`, or the only histogram of durations whose name begins so, such as `wal_append_seconds`.
fn attempts<'m, 'a>(operation: &[&str], metrics: &'m [Metric<'a>]) -> Option<&'m Metric<'a>> {
    let is_duration =
        |metric: &&Metric<'_>| metric.kind() == Kind::Histogram && metric.unit() == Some("seconds");
    let durations = || metrics.iter().filter(is_duration);
    let timed = durations().find(|metric| rest_after(operation, metric) == Some(&[]));
    let counted = || metrics.iter().find(|metric| counts(metric, operation));
    let only = || {
        let mut durations = durations().filter(|metric| rest_after(operation, metric).is_some());
        durations.next().filter(|_| durations.next().is_none() && !operation.is_empty())
    };
    timed.or_else(counted).or_else(only)
}

/// Returns whether a metric counts an operation: `requests` or `request_runs` for `request`.
pub(super) fn counts(metric: &Metric<'_>, operation: &[&str]) -> bool {
    let rest = rest_after(operation, metric);
    metric.kind() == Kind::Counter
        && metric.unit().is_none()
        && matches!(rest, Some([] | ["attempts" | "calls" | "runs"]))
}

/// Returns the words after those of the operation, if the name begins with it.
fn rest_after<'m, 'a>(operation: &[&str], metric: &'m Metric<'a>) -> Option<&'m [&'a str]> {
    let (first, rest) = metric.words.split_at_checked(operation.len())?;
    operation.iter().zip(first).all(|(a, b)| is_same_word(a, b)).then_some(rest)
}
