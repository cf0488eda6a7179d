//! Queries.

use super::metric::Metric;
use super::variables;

/// The time over which rates are taken: as Grafana recommends, at least four scrapes.
const INTERVAL: &str = "$__rate_interval";

/// A query, and how its series are called.
pub(super) struct Query {
    pub(super) expr: String,
    pub(super) legend: String,
}

/// Writes queries for what the variables of the dashboard select.
pub(super) struct Queries {
    /// `{job=~"$job",…}`
    matchers: String,
}

impl Queries {
    pub(super) fn new(labels: &[&str]) -> Self {
        Self { matchers: variables::matchers(labels) }
    }

    /// The samples of a counter or gauge, or the count of a histogram.
    pub(super) fn samples(&self, metric: &Metric<'_>) -> String {
        format!("{}{}", metric.sample_name(), self.matchers)
    }

    /// A sample of a histogram, such as `_sum`.
    pub(super) fn of(&self, metric: &Metric<'_>, suffix: &str) -> String {
        format!("{}{suffix}{}", metric.name, self.matchers)
    }

    /// The increases of each bucket of a histogram, for a heatmap.
    pub(super) fn buckets(&self, metric: &Metric<'_>) -> Query {
        let expr = aggregate(
            "sum",
            &["le"],
            &format!("increase({}[{INTERVAL}])", self.of(metric, "_bucket")),
        );
        Query { expr, legend: "{{le}}".to_owned() }
    }

    /// A quantile of a histogram, by these labels.
    pub(super) fn quantile(&self, metric: &Metric<'_>, quantile: &str, labels: &[&str]) -> String {
        let mut by = vec!["le"];
        by.extend(labels);
        let buckets = aggregate("sum", &by, &rate(&self.of(metric, "_bucket")));
        format!("histogram_quantile({quantile}, {buckets})")
    }
}

/// The increase per second.
pub(super) fn rate(samples: &str) -> String {
    format!("rate({samples}[{INTERVAL}])")
}

/// An aggregation by these labels.
pub(super) fn aggregate(operator: &str, labels: &[&str], expr: &str) -> String {
    match labels {
        [] => format!("{operator}({expr})"),
        labels => format!("{operator} by ({}) ({expr})", labels.join(", ")),
    }
}

/// The legend of series by these labels: their values.
pub(super) fn legend(labels: &[&str]) -> String {
    labels.iter().map(|label| format!("{{{{{label}}}}}")).collect::<Vec<_>>().join(" ")
}
