//! Creates the panels for the metrics of a component.

use papyra_metrics::Kind;

use super::draft::{Chart, Draft, without_variables};
use super::metric::{Metric, title};
use super::promql::{Queries, Query, aggregate, legend, rate};
use super::ratio::ErrorRatio;
use super::units;
use crate::schema::combination::Combination;
use crate::schema::roles::Role;

/// The largest number of series in a panel that is broken down by several labels. A metric with more series has one
/// panel for each label instead.
const MAX_SERIES: usize = 12;

pub(super) const QUANTILES: [(&str, &str); 3] =
    [("0.5", "p50"), ("0.99", "p99"), ("0.999", "p99.9")];

/// Returns the panels of a component in this order: rates, errors and error ratios, distributions, gauges.
pub(super) fn of(
    metrics: &[&Metric<'_>],
    ratios: &[ErrorRatio<'_, '_>],
    queries: &Queries,
) -> Vec<Draft> {
    let of_kind = |kind| metrics.iter().copied().filter(move |metric| metric.kind() == kind);
    let (errors, others): (Vec<_>, Vec<_>) =
        of_kind(Kind::Counter).partition(|metric| metric.role == Some(Role::Errors));
    let mut drafts = Vec::new();
    drafts.extend(others.into_iter().flat_map(|metric| of_counter(metric, Chart::Stack, queries)));
    drafts.extend(of_kind(Kind::Histogram).flat_map(|metric| throughput(metric, metrics, queries)));
    drafts.extend(errors.iter().flat_map(|metric| of_counter(metric, Chart::Errors, queries)));
    let ratios =
        ratios.iter().filter(|ratio| errors.iter().any(|metric| metric.name == ratio.errors.name));
    drafts.extend(ratios.map(|ratio| of_ratio(ratio, queries)));
    drafts.extend(of_kind(Kind::Histogram).flat_map(|metric| distribution(metric, queries)));
    drafts.extend(of_kind(Kind::Gauge).flat_map(|metric| of_gauge(metric, queries)));
    drafts
}

fn of_counter(metric: &Metric<'_>, chart: Chart, queries: &Queries) -> Vec<Draft> {
    let drafts = breakdowns(metric).into_iter().map(|labels| {
        let expr = aggregate("sum", &labels, &rate(&queries.samples(metric)));
        let unit = units::of_rate(metric.unit());
        draft(metric, "rate", &metric.title(), &labels, (chart, unit), expr)
    });
    drafts.collect()
}

fn of_ratio(ratio: &ErrorRatio<'_, '_>, queries: &Queries) -> Draft {
    let errors = ratio.errors;
    let operation = errors.words.split_last().map_or(&[][..], |(_, operation)| operation);
    let title = title(&[operation, &["error", "ratio"]].concat());
    let unit = units::of_value(Some("ratio"));
    let mut draft = draft(errors, "ratio", &title, &[], (Chart::Errors, unit), ratio.expr(queries));
    draft.description = format!(
        "The ratio of failed operations: `{}` to `{}`.",
        errors.sample_name(),
        ratio.operations.sample_name()
    );
    draft
}

fn of_gauge(metric: &Metric<'_>, queries: &Queries) -> Vec<Draft> {
    let samples = queries.samples(metric);
    let drafts = breakdowns(metric).into_iter().map(|labels| {
        let unit = units::of_value(metric.unit());
        let (title, chart, expr) = match Combination::of_words(&metric.words, metric.unit()) {
            Combination::Sum => (metric.title(), Chart::Stack, aggregate("sum", &labels, &samples)),
            Combination::Mean => {
                (metric.title(), Chart::Lines, aggregate("avg", &labels, &samples))
            }
            Combination::Highest => {
                (metric.title(), Chart::Lines, aggregate("max", &labels, &samples))
            }
            Combination::Latest => {
                let latest = aggregate("max", &labels, &samples);
                (format!("{}: age", metric.title()), Chart::Lines, format!("time() - {latest}"))
            }
        };
        draft(metric, "value", &title, &labels, (chart, unit), expr)
    });
    drafts.collect()
}

/// Returns the panels for the rate of a histogram: bytes per second if its unit is bytes, otherwise the number of
/// recorded values per second. Returns no panels for the number of values if a counter shows the same rate.
fn throughput(metric: &Metric<'_>, others: &[&Metric<'_>], queries: &Queries) -> Vec<Draft> {
    let (suffix, unit, samples) = if metric.unit() == Some("bytes") {
        ("throughput", metric.unit(), queries.of(metric, "_sum"))
    } else if others.iter().any(|other| other.counts(&metric.words)) {
        return Vec::new();
    } else {
        ("rate", None, queries.samples(metric))
    };
    let title = format!("{} {suffix}", metric.title());
    let drafts = breakdowns(metric).into_iter().map(|labels| {
        let expr = aggregate("sum", &labels, &rate(&samples));
        draft(metric, suffix, &title, &labels, (Chart::Stack, units::of_rate(unit)), expr)
    });
    drafts.collect()
}

/// Returns the panels that show how a histogram's values are distributed: quantiles, the p99 by label if the metric has
/// labels, and a heatmap.
fn distribution(metric: &Metric<'_>, queries: &Queries) -> Vec<Draft> {
    let unit = units::of_value(metric.unit());
    let name = measured(metric);
    let mut drafts = Vec::new();
    let quantiles = QUANTILES.map(|(quantile, legend)| Query {
        expr: queries.quantile(metric, quantile, &[]),
        legend: legend.to_owned(),
    });
    drafts.push(Draft {
        key: format!("{}/quantiles", metric.name),
        title: name.clone(),
        description: description(metric),
        chart: Chart::Quantiles,
        unit: unit.clone(),
        queries: quantiles.into(),
        series: QUANTILES.len(),
    });
    if !metric.labels.is_empty() {
        drafts.extend(breakdowns(metric).into_iter().map(|labels| {
            let expr = queries.quantile(metric, "0.99", &labels);
            draft(
                metric,
                "p99",
                &format!("{name}: p99"),
                &labels,
                (Chart::Quantiles, unit.clone()),
                expr,
            )
        }));
    }
    drafts.push(Draft {
        key: format!("{}/heatmap", metric.name),
        title: format!("{name}: distribution"),
        description: description(metric),
        chart: Chart::Heatmap,
        unit,
        queries: vec![queries.buckets(metric)],
        series: 1,
    });
    drafts
}

/// Returns a title for the quantity that a histogram measures: `Append duration`, `Record size`.
pub(super) fn measured(metric: &Metric<'_>) -> String {
    let is_duration = metric.unit().is_some_and(|unit| unit.ends_with("seconds"));
    let names_a_duration = metric.words.last().is_some_and(|word| {
        ["age", "delay", "duration", "latency", "lag", "time", "wait"].contains(word)
    });
    if is_duration && !names_a_duration {
        format!("{} duration", metric.title())
    } else {
        metric.title()
    }
}

/// Returns one list of labels for each panel of a metric. The panel is broken down by these labels. Usually there is
/// one panel, with all labels. If this panel would have too many series, there is one panel for each label instead.
fn breakdowns<'a>(metric: &Metric<'a>) -> Vec<Vec<&'a str>> {
    let labels = &metric.labels;
    if labels.len() > 1 && metric.family.series.len() > MAX_SERIES {
        labels.iter().map(|label| vec![*label]).collect()
    } else {
        vec![labels.clone()]
    }
}

fn draft(
    metric: &Metric<'_>,
    key: &str,
    quantity: &str,
    labels: &[&str],
    (chart, unit): (Chart, String),
    expr: String,
) -> Draft {
    let key = format!("{}/{key}/{}", metric.name, labels.join(","));
    let (title, legend, series) = match labels {
        [] => (quantity.to_owned(), quantity.to_owned(), 1),
        labels => (
            format!("{quantity} by {}", labels.join(" and ").replace('_', " ")),
            legend(labels),
            metric.combinations(labels),
        ),
    };
    let description = description(metric);
    Draft { key, title, description, chart, unit, queries: vec![Query { expr, legend }], series }
}

/// Returns the description of a panel: the help text of the metric, which is Markdown like a doc comment, and the name
/// of the metric.
fn description(metric: &Metric<'_>) -> String {
    let help = without_variables(&metric.family.help);
    let name = metric.name;
    if help.is_empty() { format!("`{name}`") } else { format!("{help}\n\n`{name}`") }
}
