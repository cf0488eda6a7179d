//! The queries of a dashboard.

use super::metric::Metric;
use super::variables;

/// The window of rates. Grafana makes it at least four scrape intervals long.
const INTERVAL: &str = "$__rate_interval";

/// A query, and the legend of its series.
pub(super) struct Query {
    pub(super) expr: String,
    pub(super) legend: String,
}

/// Writes queries for the series that the dashboard's variables select.
pub(super) struct Queries {
    /// The matchers of the variables: `{job=~"$job",…}`.
    matchers: String,
}

impl Queries {
    pub(super) fn new(labels: &[&str]) -> Self {
        Self { matchers: variables::matchers(labels) }
    }

    /// Returns the samples of a counter or gauge, or the count of a histogram.
    pub(super) fn samples(&self, metric: &Metric<'_>) -> String {
        format!("{}{}", metric.sample_name(), self.matchers)
    }

    /// Returns a sample of a histogram, such as `_sum`.
    pub(super) fn of(&self, metric: &Metric<'_>, suffix: &str) -> String {
        format!("{}{suffix}{}", metric.name, self.matchers)
    }

    /// Returns the increases of each bucket of a histogram, for a heatmap.
    pub(super) fn buckets(&self, metric: &Metric<'_>) -> Query {
        let expr = aggregate(
            "sum",
            &["le"],
            &format!("increase({}[{INTERVAL}])", self.of(metric, "_bucket")),
        );
        Query { expr, legend: "{{le}}".to_owned() }
    }

    /// Returns a quantile of a histogram, grouped by these labels.
    pub(super) fn quantile(&self, metric: &Metric<'_>, quantile: &str, labels: &[&str]) -> String {
        let mut by = vec!["le"];
        by.extend(labels);
        let buckets = aggregate("sum", &by, &rate(&self.of(metric, "_bucket")));
        format!("histogram_quantile({quantile}, {buckets})")
    }
}

/// Returns the increase per second.
pub(super) fn rate(samples: &str) -> String {
    format!("rate({samples}[{INTERVAL}])")
}

/// Returns an aggregation grouped by these labels.
pub(super) fn aggregate(operator: &str, labels: &[&str], expr: &str) -> String {
    match labels {
        [] => format!("{operator}({expr})"),
        labels => format!("{operator} by ({}) ({expr})", labels.join(", ")),
    }
}

/// Returns the legend of series that are grouped by these labels: the values of the labels.
pub(super) fn legend(labels: &[&str]) -> String {
    labels.iter().map(|label| format!("{{{{{label}}}}}")).collect::<Vec<_>>().join(" ")
}
