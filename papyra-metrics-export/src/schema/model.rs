//! The declared metrics under their exported names.

use std::collections::{BTreeMap, BTreeSet};

use papyra_metrics::{Kind, Metrics, Value};

use super::label_set::LabelSet;
use crate::series::histogram::Buckets;
use crate::{Registry, RegistryReader};

/// The declarations of a set of metrics, under their exported names.
///
/// Its `Display` is the content of a lock file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    pub(super) families: BTreeMap<String, Family>,
}

/// All metrics of one exported name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Family {
    pub(super) kind: Kind,
    pub(super) unit: Option<String>,
    pub(super) help: String,
    /// As Prometheus writes them. `None` if there was no histogram to read, such as in a flattened `None`.
    pub(super) bounds: Option<Vec<String>>,
    /// The labels of each series; the empty set for a metric without labels.
    pub(super) series: BTreeSet<LabelSet>,
}

impl Schema {
    /// Returns the schema of these metrics. Each is read once, for the bounds of histograms.
    pub fn of(metrics: &(impl Metrics + ?Sized)) -> Self {
        let mut schema = Self::default();
        for metric in metrics.descriptors() {
            let name = metric.exposition_name().to_string();
            let labels = metric.labels();
            schema.add(&name, metric.kind(), metric.unit(), metric.help(), labels);
        }
        metrics.visit_totals(&mut |metric, value| {
            schema.set_bounds(&metric.exposition_name().to_string(), &value);
        });
        schema
    }

    /// Returns the schema of all that is registered now, with the registry's prefix and labels.
    ///
    /// Labels that differ from run to run, such as the name of a host, do not belong in a lock file: register without them
    /// in the test.
    pub fn of_registry(registry: &Registry) -> Self {
        let mut schema = Self::default();
        for sample in RegistryReader::new(registry).read() {
            let labels = sample.labels().iter();
            schema.add(sample.name(), sample.kind(), sample.unit(), sample.help(), labels);
            schema.set_bounds(sample.name(), sample.value());
        }
        schema
    }

    /// Returns the same schema with this prefix before each name, as [`Registry::with_prefix`] exports it in formats
    /// without dots.
    #[must_use]
    pub fn with_prefix(self, prefix: &str) -> Self {
        let prefix = prefix.replace('.', "_");
        let families = self.families.into_iter();
        Self { families: families.map(|(name, it)| (format!("{prefix}_{name}"), it)).collect() }
    }

    /// Adds the metrics of another schema, such as that of another component in the same file. A family that both have
    /// keeps its kind, unit, help and bounds, and has the series of both.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        for (name, family) in other.families {
            match self.families.get_mut(&name) {
                Some(known) => known.series.extend(family.series),
                None => drop(self.families.insert(name, family)),
            }
        }
        self
    }

    pub(super) fn add<'a>(
        &mut self,
        name: &str,
        kind: Kind,
        unit: Option<&str>,
        help: &str,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) {
        let new = || Family {
            kind,
            unit: unit.map(str::to_owned),
            help: help.to_owned(),
            bounds: None,
            series: BTreeSet::new(),
        };
        let family = self.families.entry(name.to_owned()).or_insert_with(new);
        family.series.insert(LabelSet::new(labels));
    }

    pub(super) fn set_bounds(&mut self, name: &str, value: &Value) {
        if let (Some(family), Value::Histogram(distribution)) = (self.families.get_mut(name), value)
        {
            family.bounds.get_or_insert_with(|| Buckets::of(distribution).written_bounds());
        }
    }
}
