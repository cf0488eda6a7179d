//! Generates a Grafana dashboard of the declared metrics.

mod components;
mod draft;
mod grafana;
mod layout;
mod metric;
mod overview;
mod panels;
mod promql;
mod ratio;
mod style;
mod units;
mod variables;

use std::fmt;

use self::grafana::{Model, SCHEMA_VERSION, Templating, TimeRange};
use self::layout::{DraftRow, fnv1a};
use self::metric::Metric;
use self::promql::Queries;
use super::model::Schema;
use crate::RegisterError;
use crate::labels::check_name;

/// A Grafana dashboard of the metrics of a [`Schema`], for metrics that a Prometheus server scrapes.
///
/// `Display` writes the JSON, which can be imported or provisioned. The same schema always gives the same text, so a
/// file can be generated again and compared.
///
/// - Each row shows one component: the metrics whose names begin with the same words. If there are several components,
///   the first row is an overview of operations, errors and durations, unless there are no such metrics.
/// - Counters are shown as rates, gauges as values, histograms as quantiles and as a heatmap. Metrics with labels are
///   broken down by label.
/// - Titles are derived from names. Descriptions are help texts.
/// - The dashboard has variables for the data source, the job, the instance, and each label that all series have.
/// - The dashboard's `uid` is derived from its title, and the ids of panels from the names of metrics.
///
/// ```
/// use papyra_metrics::persistence::PersistenceMetrics;
/// use papyra_metrics_export::schema::{Dashboard, Schema};
///
/// let schema = Schema::of(&PersistenceMetrics::default()).with_prefix("orders");
/// let json = Dashboard::new(&schema).with_title("Order log").to_string();
/// assert!(json.contains("rate(orders_records_written_total{job=~"));
/// ```
#[derive(Clone, Debug)]
pub struct Dashboard<'a> {
    schema: &'a Schema,
    title: Option<String>,
    labels: Vec<String>,
}

impl<'a> Dashboard<'a> {
    /// Creates the dashboard of the metrics in a schema.
    pub fn new(schema: &'a Schema) -> Self {
        Self { schema, title: None, labels: Vec::new() }
    }

    /// Sets the title. The default consists of the words with which the names of all metrics begin, or is `Metrics` if
    /// there are no such words.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Adds a variable for a label. Use this for labels that the application's registry adds and that the schema does
    /// not contain.
    ///
    /// # Errors
    ///
    /// Returns [`RegisterError::InvalidLabelName`] or [`RegisterError::ReservedLabel`] if no registered metric can have
    /// this label.
    pub fn with_label(mut self, label: impl Into<String>) -> Result<Self, RegisterError> {
        let name = label.into();
        check_name(&name)?;
        self.labels.push(name);
        Ok(self)
    }

    fn model(&self) -> Model {
        let labels = self.labels();
        let (metrics, common) = metric::all(self.schema, &labels);
        let title = match &self.title {
            Some(title) => title.clone(),
            None if common.is_empty() => "Metrics".to_owned(),
            None => metric::title(&common),
        };
        let queries = Queries::new(&labels);
        Model {
            id: None,
            uid: uid(&title),
            description: "Generated from the declared metrics by `papyra-metrics dashboard`."
                .to_owned(),
            tags: ["papyra-metrics"],
            editable: true,
            graph_tooltip: 1,
            refresh: "30s",
            schema_version: SCHEMA_VERSION,
            time: TimeRange { from: "now-1h", to: "now" },
            timezone: "browser",
            templating: Templating { list: variables::all(&labels, metrics.first()) },
            panels: layout::arrange(rows(self.schema, &metrics, &queries, &title)),
            title,
        }
    }

    /// Returns the labels that are variables of the dashboard, without duplicates.
    fn labels(&self) -> Vec<&str> {
        let mut labels = variables::OF_PROCESS.to_vec();
        let of_schema = metric::common_labels(self.schema);
        for label in of_schema.into_iter().chain(self.labels.iter().map(String::as_str)) {
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
        labels
    }
}

impl fmt::Display for Dashboard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string_pretty(&self.model()).map_err(|_| fmt::Error)?;
        writeln!(f, "{json}")
    }
}

/// Returns one row of panels for each component. If there are several components, an overview comes first, unless it
/// has no panels.
fn rows(schema: &Schema, metrics: &[Metric<'_>], queries: &Queries, title: &str) -> Vec<DraftRow> {
    let components = components::of(metrics);
    let ratios = ratio::all(schema, metrics);
    let has_several = components.len() > 1;
    let mut rows = Vec::new();
    let overview = if has_several { overview::of(metrics, &ratios, queries) } else { Vec::new() };
    if !overview.is_empty() {
        rows.push(DraftRow { title: "Overview".to_owned(), panels: overview });
    }
    rows.extend(components.into_iter().map(|component| {
        let title = match &*component.words {
            [] if has_several => "Other".to_owned(),
            [] => title.to_owned(),
            words => metric::title(words),
        };
        DraftRow { title, panels: panels::of(&component.metrics, &ratios, queries) }
    }));
    rows
}

/// Derives an identifier of at most 40 characters from the title.
fn uid(title: &str) -> String {
    const LONGEST: usize = 40;
    let plain = |char: char| char.is_ascii_alphanumeric();
    let words: Vec<_> = title.split(|char| !plain(char)).filter(|word| !word.is_empty()).collect();
    let uid = format!("papyra-{}", words.join("-").to_ascii_lowercase());
    let is_lossless = title.chars().all(|char| plain(char) || char == ' ' || char == '_');
    if is_lossless && uid.len() <= LONGEST {
        return uid;
    }
    // Different titles may become equal when they are shortened and special characters are replaced. The hash
    // distinguishes them.
    let hash = format!("-{:08x}", fnv1a(title));
    let kept = uid.len().min(LONGEST - hash.len());
    format!("{}{hash}", uid[..kept].trim_end_matches('-'))
}
