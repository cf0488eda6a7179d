//! The schema: the declared metrics under their exported names.

use std::collections::{BTreeMap, BTreeSet};

use papyra_metrics::{Kind, Metrics, Value};

use super::label_set::LabelSet;
use super::objective::Objective;
use crate::series::SeriesId;
use crate::series::histogram::Buckets;
use crate::{Registry, RegistryReader};

/// The declarations of a set of metrics, under their exported names.
///
/// `Display` writes the content of a lock file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    pub(super) families: BTreeMap<String, Family>,
}

/// All metrics with the same exported name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Family {
    pub(super) kind: Kind,
    pub(super) unit: Option<String>,
    /// The prefix of the registry followed by the prefix of the struct, without the `_` at the end. `None` if both are
    /// empty.
    pub(super) component: Option<String>,
    /// Whether the family is marked as a counter of errors.
    pub(super) is_error_counter: bool,
    pub(super) help: String,
    /// The bucket bounds, as Prometheus writes them. `None` for counters and gauges, and if no histogram could be read,
    /// for example because a flattened `Option` is `None`.
    pub(super) bounds: Option<Vec<String>>,
    /// The objective of each series that has an objective.
    pub(super) objectives: BTreeMap<LabelSet, Objective>,
    /// The labels of each series. A metric without labels has one series with an empty set.
    pub(super) series: BTreeSet<LabelSet>,
}

/// The declaration of one series.
pub(super) struct Declaration<'a> {
    pub(super) name: &'a str,
    /// The length in bytes of the prefix that the name begins with.
    pub(super) prefix_len: usize,
    pub(super) kind: Kind,
    pub(super) unit: Option<&'a str>,
    pub(super) help: &'a str,
    pub(super) labels: LabelSet,
    pub(super) is_error_counter: bool,
    pub(super) objective: Option<papyra_metrics::Objective>,
}

impl Schema {
    /// Returns the schema of a struct of metrics. Reads each metric once, because the bounds of a histogram are part of
    /// its value.
    pub fn of(metrics: &(impl Metrics + ?Sized)) -> Self {
        let mut schema = Self::default();
        for metric in metrics.descriptors() {
            schema.declare(Declaration {
                name: &metric.exposition_name().to_string(),
                prefix_len: metric.prefix_len(),
                kind: metric.kind(),
                unit: metric.unit(),
                help: metric.help(),
                labels: LabelSet::new(metric.labels()),
                is_error_counter: metric.is_error_counter(),
                objective: metric.objective(),
            });
        }
        metrics.visit_totals(&mut |metric, value| {
            if let Value::Histogram(distribution) = &value {
                let name = metric.exposition_name().to_string();
                schema.set_bounds(&name, &Buckets::of(distribution));
            }
        });
        schema
    }

    /// Returns the schema of the open backends of a registry, with the registry's prefix and the labels of each
    /// backend. Reads all backends once. Metrics that a filter refused when they were registered are left out. Metrics
    /// that are absent at the time of the call, for example in a flattened `Option` that is `None`, are included.
    ///
    /// Labels whose values differ from process to process, such as a host name, do not belong in a lock file. Register
    /// the metrics without these labels in the test that checks the file.
    pub fn of_registry(registry: &Registry) -> Self {
        // A histogram that was absent when it was registered has known bounds once it has been read.
        RegistryReader::new(registry).refresh();
        let mut schema = Self::default();
        for (SeriesId { family, labels }, metric) in registry.descriptors() {
            let registry_prefix_len = family.name().len() - family.own_name().len();
            schema.declare(Declaration {
                name: family.name(),
                prefix_len: registry_prefix_len + metric.prefix_len(),
                kind: family.kind,
                unit: family.unit(),
                help: family.help(),
                labels: LabelSet::new(labels.iter()),
                is_error_counter: metric.is_error_counter(),
                objective: metric.objective(),
            });
            if let Some(buckets) = family.buckets() {
                schema.set_bounds(family.name(), buckets);
            }
        }
        schema
    }

    /// Adds a prefix to each name, as a registry with this prefix does in Prometheus: a dot in the prefix becomes `_`.
    #[must_use]
    pub fn with_prefix(self, prefix: &str) -> Self {
        let prefix = prefix.replace('.', "_");
        let families = self.families.into_iter().map(|(name, family)| {
            let component = match &family.component {
                Some(component) => format!("{prefix}_{component}"),
                None => prefix.clone(),
            };
            (format!("{prefix}_{name}"), Family { component: Some(component), ..family })
        });
        Self { families: families.collect() }
    }

    /// Adds the metrics of another schema, so that one lock file can contain several components. A family that is in
    /// both schemas keeps the kind, unit, component, help and bounds of this schema, and gets the series and objectives
    /// of both schemas.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        for (name, family) in other.families {
            match self.families.get_mut(&name) {
                Some(known) => {
                    known.series.extend(family.series);
                    known.is_error_counter |= family.is_error_counter;
                    for (labels, objective) in family.objectives {
                        known.objectives.entry(labels).or_insert(objective);
                    }
                }
                None => drop(self.families.insert(name, family)),
            }
        }
        self
    }

    pub(super) fn declare(&mut self, series: Declaration<'_>) {
        let Declaration { name, prefix_len, kind, unit, help, .. } = series;
        let family = self.families.entry(name.to_owned()).or_insert_with(|| {
            let mut family = Family::new(kind, unit, help);
            family.set_component(name, prefix_len);
            family
        });
        family.series.insert(series.labels.clone());
        family.mark(series.labels, series.is_error_counter, series.objective);
    }

    /// Sets the bucket bounds of a family, unless they are already known.
    pub(super) fn set_bounds(&mut self, name: &str, buckets: &Buckets) {
        if let Some(family) = self.families.get_mut(name) {
            family.bounds.get_or_insert_with(|| buckets.written_bounds());
        }
    }
}

impl Family {
    fn new(kind: Kind, unit: Option<&str>, help: &str) -> Self {
        Self {
            kind,
            unit: unit.map(str::to_owned),
            component: None,
            is_error_counter: false,
            help: help.to_owned(),
            bounds: None,
            objectives: BTreeMap::new(),
            series: BTreeSet::new(),
        }
    }

    /// Sets the component of a family to the first `prefix_len` bytes of its name, without the `_` at the end.
    fn set_component(&mut self, name: &str, prefix_len: usize) {
        let prefix = name.get(..prefix_len).unwrap_or(name).trim_end_matches('_');
        self.component = Some(prefix).filter(|prefix| !prefix.is_empty()).map(str::to_owned);
    }

    fn mark(
        &mut self,
        labels: LabelSet,
        is_error_counter: bool,
        objective: Option<papyra_metrics::Objective>,
    ) {
        self.is_error_counter |= is_error_counter;
        if let Some(objective) = objective {
            self.objectives.insert(labels, Objective::new(objective));
        }
    }

    /// Returns the objective of the family if all of its series have the same objective.
    pub(super) fn common_objective(&self) -> Option<&Objective> {
        let first = self.objectives.values().next()?;
        let is_common = self.series.iter().all(|labels| self.objectives.get(labels) == Some(first));
        is_common.then_some(first)
    }
}
