//! Writes the `PromQL` queries of a dashboard.

use super::metric::Metric;
use super::variables;

/// The time range over which rates are computed. Grafana replaces this variable by at least four scrape intervals.
const INTERVAL: &str = "$__rate_interval";

/// A query and the legend of the series that it returns.
pub(super) struct Query {
    pub(super) expr: String,
    pub(super) legend: String,
}

/// Writes queries that are limited to the values selected in the dashboard's variables.
pub(super) struct Queries {
    /// The label matchers for all variables: `{job=~"$job",…}`.
    matchers: String,
}

impl Queries {
    pub(super) fn new(labels: &[&str]) -> Self {
        Self { matchers: variables::matchers(labels) }
    }

    /// Returns the selector for the samples of a counter or gauge, or for the `_count` samples of a histogram.
    pub(super) fn samples(&self, metric: &Metric<'_>) -> String {
        format!("{}{}", metric.sample_name(), self.matchers)
    }

    /// Returns the selector for the samples of a histogram whose names end in this suffix, such as `_sum`.
    pub(super) fn of(&self, metric: &Metric<'_>, suffix: &str) -> String {
        format!("{}{suffix}{}", metric.name, self.matchers)
    }

    /// Returns a query for the increase of each bucket of a histogram, for a heatmap.
    pub(super) fn buckets(&self, metric: &Metric<'_>) -> Query {
        let expr = aggregate(
            "sum",
            &["le"],
            &format!("increase({}[{INTERVAL}])", self.of(metric, "_bucket")),
        );
        Query { expr, legend: "{{le}}".to_owned() }
    }

    /// Returns a query for a quantile of a histogram, grouped by these labels.
    pub(super) fn quantile(&self, metric: &Metric<'_>, quantile: &str, labels: &[&str]) -> String {
        let mut by = vec!["le"];
        by.extend(labels);
        let buckets = aggregate("sum", &by, &rate(&self.of(metric, "_bucket")));
        format!("histogram_quantile({quantile}, {buckets})")
    }
}

/// Returns the expression for the rate of these samples: their increase per second.
pub(super) fn rate(samples: &str) -> String {
    format!("rate({samples}[{INTERVAL}])")
}

/// Returns the expression for an aggregation, such as `sum`, that is grouped by these labels.
pub(super) fn aggregate(operator: &str, labels: &[&str], expr: &str) -> String {
    match labels {
        [] => format!("{operator}({expr})"),
        labels => format!("{operator} by ({}) ({expr})", labels.join(", ")),
    }
}

/// Returns the legend for series that are grouped by these labels. It consists of the values of the labels.
pub(super) fn legend(labels: &[&str]) -> String {
    labels.iter().map(|label| format!("{{{{{label}}}}}")).collect::<Vec<_>>().join(" ")
}
