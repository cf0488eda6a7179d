//! The metrics of a type of backend, and the families that they belong to.

use std::collections::HashSet;
use std::sync::Arc;

use papyra_metrics::{Descriptor, Kind};

use crate::family::{Families, Family, FamilyBuilder};
use crate::series::SeriesId;
use crate::series::values::check_exported;
use crate::{Labels, RegisterError};

/// Shared by all backends that list the same metrics.
pub(super) struct Schema {
    pub(super) descriptors: Box<[Descriptor]>,
    /// The kind of each, side by side.
    pub(super) kinds: Box<[Kind]>,
    /// The family of each; `None` if the metric is not exported.
    pub(super) families: Box<[Option<Arc<Family>>]>,
    /// Why some are not exported.
    pub(super) problems: Vec<String>,
    /// The address of the list if it is static.
    static_at: Option<usize>,
    /// Whether some have labels of their own.
    has_labels: bool,
    /// Whether a filter left some out, so that it is of no use to other backends.
    is_filtered: bool,
}

impl Schema {
    /// Finds or adds the families of these metrics. `accepted` says for each whether a filter accepts it.
    ///
    /// # Errors
    ///
    /// Returns an error if a name is not a name, or means something else to another backend. Families that were added
    /// are not removed.
    pub(super) fn new(
        prefix: &Arc<str>,
        (descriptors, is_static): (&[Descriptor], bool),
        accepted: Option<&[bool]>,
        backend: &Arc<Labels>,
        families: &mut Families,
    ) -> Result<Self, RegisterError> {
        let mut problems = Vec::new();
        let mut builder = FamilyBuilder::new(prefix, descriptors.len());
        let is_accepted = |index: usize| accepted.is_none_or(|accepted| accepted[index]);
        for (_, metric) in descriptors.iter().enumerate().filter(|&(i, _)| is_accepted(i)) {
            match check_exported(metric.kind()) {
                Ok(()) => builder.add(
                    metric.exposition_name(),
                    metric.kind(),
                    metric.unit(),
                    metric.help(),
                )?,
                Err(reason) => problems.push(format!("`{}` {reason}", metric.name())),
            }
        }
        let mut prepared = builder.finish(backend);
        let (known, exported_len) = (families.all().len(), prepared.len());
        families.reserve(exported_len);
        let mut exported = Vec::with_capacity(descriptors.len());
        for (i, metric) in descriptors.iter().enumerate() {
            let is_exported = is_accepted(i) && check_exported(metric.kind()).is_ok();
            let family = if is_exported { prepared.next() } else { None };
            exported.push(family.map(|family| families.find_or_add(family)).transpose()?);
        }
        // If all families are new, all are distinct.
        if families.all().len() - known < exported_len {
            check_distinct(descriptors, &exported, backend)?;
        }
        Ok(Self {
            descriptors: descriptors.into(),
            kinds: descriptors.iter().map(Descriptor::kind).collect(),
            families: exported.into_boxed_slice(),
            problems,
            static_at: is_static.then(|| descriptors.as_ptr().addr()),
            has_labels: descriptors.iter().any(|metric| !metric.labels().is_empty()),
            is_filtered: accepted.is_some(),
        })
    }

    /// Whether a backend that lists these metrics can share this schema.
    pub(super) fn is_for(
        &self,
        descriptors: &[Descriptor],
        is_static: bool,
        accepted: Option<&[bool]>,
    ) -> bool {
        if self.is_filtered || accepted.is_some() || self.len() != descriptors.len() {
            return false;
        }
        let is_same_list = is_static && self.static_at == Some(descriptors.as_ptr().addr());
        is_same_list || *self.descriptors == *descriptors
    }

    pub(super) fn len(&self) -> usize {
        self.descriptors.len()
    }

    /// The labels of each metric of a backend with these labels.
    ///
    /// # Errors
    ///
    /// Returns an error if a metric has a label that the backend has too.
    pub(super) fn labels(&self, backend: &Arc<Labels>) -> Result<MetricLabels, RegisterError> {
        if !self.has_labels {
            return Ok(MetricLabels::OfBackend(Arc::clone(backend)));
        }
        let labels = self.descriptors.iter().map(|metric| match metric.labels() {
            [] => Ok(Arc::clone(backend)),
            own => backend.with(own).map(Arc::new),
        });
        Ok(MetricLabels::Own(labels.collect::<Result<_, _>>()?))
    }
}

/// Refuses two metrics of one family with the same labels.
fn check_distinct(
    descriptors: &[Descriptor],
    families: &[Option<Arc<Family>>],
    backend: &Labels,
) -> Result<(), RegisterError> {
    let mut distinct = HashSet::with_capacity(descriptors.len());
    for (metric, family) in descriptors.iter().zip(families) {
        let Some(family) = family else { continue };
        let labels = backend.with(metric.labels())?;
        if !distinct.insert((Arc::as_ptr(family), labels)) {
            let labels = Arc::new(backend.with(metric.labels())?);
            return Err(SeriesId { family: Arc::clone(family), labels }.duplicate_error());
        }
    }
    Ok(())
}

/// The labels of the series of one backend.
#[derive(Clone)]
pub(super) enum MetricLabels {
    /// All have those of the backend.
    OfBackend(Arc<Labels>),
    /// Those of each metric.
    Own(Box<[Arc<Labels>]>),
}

impl MetricLabels {
    pub(super) fn of(&self, metric: usize) -> &Arc<Labels> {
        match self {
            Self::OfBackend(labels) => labels,
            Self::Own(labels) => &labels[metric],
        }
    }
}
