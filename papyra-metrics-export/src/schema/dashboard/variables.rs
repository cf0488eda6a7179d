//! The variables of a dashboard: the data source, job and instance, and the labels of a registry.

use super::grafana::{DataSource, Selected, Variable};
use super::metric::{Metric, title};

/// The data source that the user chooses.
pub(super) const DATA_SOURCE: DataSource = DataSource { kind: "prometheus", uid: "${datasource}" };

/// The labels with which Prometheus identifies processes.
pub(super) const OF_PROCESS: [&str; 2] = ["job", "instance"];

/// Grafana's code for updating a variable's values when the time range changes, so that the variable offers only values
/// that occur in this range.
const ON_TIME_RANGE_CHANGE: u32 = 2;
const ON_LOAD: u32 = 1;
const NATURAL_ASCENDING: u32 = 7;

/// Returns the name of the variable for a label.
fn name_of(label: &str) -> String {
    // `datasource` is the name of the only variable that does not belong to a label.
    if label == "datasource" { "label_datasource".to_owned() } else { label.to_owned() }
}

/// Returns label matchers for the values that are selected in the variables of these labels: `{job=~"$job"}`.
pub(super) fn matchers(labels: &[&str]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let matchers = labels.iter().map(|label| format!("{label}=~\"${}\"", name_of(label)));
    format!("{{{}}}", matchers.collect::<Vec<_>>().join(","))
}

/// Returns the variables. Each variable offers only values that occur together with the values that are selected in the
/// variables before it.
pub(super) fn all(labels: &[&str], metric: Option<&Metric<'_>>) -> Vec<Variable> {
    let mut variables = vec![Variable::Datasource {
        name: "datasource",
        label: "Data source",
        query: "prometheus",
        refresh: ON_LOAD,
    }];
    let Some(metric) = metric else { return variables };
    let samples = metric.sample_name();
    variables.extend(labels.iter().enumerate().map(|(i, label)| Variable::Query {
        name: name_of(label),
        label: title(&[&label.replace('_', " ")]),
        datasource: DATA_SOURCE,
        query: format!("label_values({samples}{}, {label})", matchers(&labels[..i])),
        refresh: ON_TIME_RANGE_CHANGE,
        sort: NATURAL_ASCENDING,
        multi: true,
        include_all: true,
        all_value: ".*",
        current: Selected { text: ["All"], value: ["$__all"] },
    }));
    variables
}
