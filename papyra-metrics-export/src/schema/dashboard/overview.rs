//! The overview: the first row, which shows the state of all components at a glance.

use papyra_metrics::Kind;

use super::draft::{Chart, Draft};
use super::metric::Metric;
use super::panels::measured;
use super::promql::{Queries, Query, aggregate, rate};
use super::ratio::ErrorRatio;
use super::units;
use crate::schema::roles::Role;

/// Returns the panels of the overview: the number of instances, and the operations, errors, error ratios, operations in
/// flight and durations of all components.
pub(super) fn of(
    metrics: &[Metric<'_>],
    ratios: &[ErrorRatio<'_, '_>],
    queries: &Queries,
) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let operations = ratios.iter().map(|ratio| Query {
        expr: aggregate("sum", &[], &rate(&queries.samples(ratio.operations))),
        legend: ratio.operations.title(),
    });
    drafts.extend(panel(
        "attempts",
        "Operations",
        "Operations per second.",
        Chart::Stack,
        units::of_rate(None),
        operations,
    ));
    let errors = metrics.iter().filter(|metric| metric.role == Some(Role::Errors));
    let errors = errors.map(|metric| Query {
        expr: aggregate("sum", &[], &rate(&queries.samples(metric))),
        legend: metric.title(),
    });
    drafts.extend(panel(
        "errors",
        "Errors",
        "Errors per second.",
        Chart::Errors,
        units::of_rate(None),
        errors,
    ));
    let failed = ratios
        .iter()
        .map(|ratio| Query { expr: ratio.expr(queries), legend: ratio.errors.title() });
    drafts.extend(panel(
        "error-ratios",
        "Error ratio",
        "The ratio of failed operations to all operations.",
        Chart::Lines,
        units::of_value(Some("ratio")),
        failed,
    ));
    let in_flight = metrics.iter().filter(|metric| metric.role == Some(Role::InFlight));
    let in_flight = in_flight.map(|metric| Query {
        expr: aggregate("sum", &[], &queries.samples(metric)),
        legend: metric.title(),
    });
    drafts.extend(panel(
        "in-flight",
        "In flight",
        "Operations that have begun and not ended.",
        Chart::Stack,
        units::of_value(None),
        in_flight,
    ));
    let latencies = metrics
        .iter()
        .filter(|metric| metric.kind() == Kind::Histogram && metric.unit() == Some("seconds"));
    let latencies = latencies.map(|metric| Query {
        expr: queries.quantile(metric, "0.99", &[]),
        legend: measured(metric),
    });
    drafts.extend(panel(
        "p99",
        "Durations: p99",
        "The duration that 99 % of the operations do not exceed.",
        Chart::Quantiles,
        units::of_value(Some("seconds")),
        latencies,
    ));
    // The number of instances is only shown together with other panels.
    if let Some(first) = metrics.first().filter(|_| !drafts.is_empty()) {
        drafts.insert(0, instances(first, queries));
    }
    drafts
}

fn instances(metric: &Metric<'_>, queries: &Queries) -> Draft {
    let by_instance = aggregate("count", &["job", "instance"], &queries.samples(metric));
    let expr = aggregate("count", &[], &by_instance);
    Draft {
        key: "overview/instances".to_owned(),
        title: "Instances".to_owned(),
        description: "Processes that are scraped.".to_owned(),
        chart: Chart::Number,
        unit: "short".to_owned(),
        queries: vec![Query { expr, legend: String::new() }],
        series: 1,
    }
}

/// Returns a panel with these queries, or `None` if there are no queries.
fn panel(
    key: &str,
    title: &str,
    description: &str,
    chart: Chart,
    unit: String,
    queries: impl Iterator<Item = Query>,
) -> Option<Draft> {
    let queries: Vec<_> = queries.collect();
    let series = queries.len();
    (series > 0).then(|| Draft {
        key: format!("overview/{key}"),
        title: title.to_owned(),
        description: description.to_owned(),
        chart,
        unit,
        queries,
        series,
    })
}
