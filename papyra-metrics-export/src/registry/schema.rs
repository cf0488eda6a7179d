//! The metrics of a type of backend, and the families that they belong to.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use papyra_metrics::Descriptor;

use super::registration::Registration;
use crate::family::{Families, Family, FamilyBuilder};
use crate::series::SeriesId;
use crate::series::histogram::Buckets;
use crate::series::listed::{KindRun, Listed};
use crate::series::number::check_exported;
use crate::{Labels, RegisterError};

/// The metrics of a type of backend. Backends with the same list of descriptors share one schema, if their filters accept the
/// same metrics.
pub(super) struct Schema {
    pub(super) listed: Listed,
    /// The reasons why some metrics of the schema are not exported.
    pub(super) problems: Vec<String>,
    /// The address of the list of descriptors, if the list is static.
    static_at: Option<usize>,
    /// Whether some exported metrics have labels in addition to those of the backend.
    has_labels: bool,
    /// For each metric, whether the filters of the registration accepted it. `None` if there were no filters.
    accepted: Option<Box<[bool]>>,
}

impl Schema {
    /// Creates the schema of a backend that is to be registered, and finds or adds the families of its metrics.
    ///
    /// # Errors
    ///
    /// Returns an error if a name is not valid, if a metric conflicts with a known family or with another metric of the
    /// backend, or if two of the metrics have the same name and labels. Families that were added before the error are
    /// not removed.
    pub(super) fn new(
        new: &Registration<'_>,
        families: &mut Families,
    ) -> Result<Self, RegisterError> {
        let &Registration { descriptors, static_descriptors, accepted, labels, prefix, .. } = new;
        let mut problems = Vec::new();
        let mut builder = FamilyBuilder::new(prefix, labels, descriptors.len());
        let is_accepted = |index: usize| accepted.is_none_or(|accepted| accepted[index]);
        for (_, metric) in descriptors.iter().enumerate().filter(|&(i, _)| is_accepted(i)) {
            match check_exported(metric.kind()) {
                Ok(()) => builder.add(
                    metric.exposition_name(),
                    metric.kind(),
                    metric.unit(),
                    metric.help(),
                    metric.labels(),
                ),
                Err(reason) => problems.push(format!("`{}` {reason}", metric.name())),
            }
        }
        let batch = builder.finish()?;
        let (known, exported_len) = (families.len(), batch.len());
        families.reserve(exported_len);
        let (mut exported, mut next) = (Vec::with_capacity(descriptors.len()), 0);
        for (i, metric) in descriptors.iter().enumerate() {
            if is_accepted(i) && check_exported(metric.kind()).is_ok() {
                exported.push(Some(families.find_or_add(&batch, next)?));
                next += 1;
            } else {
                exported.push(None);
            }
        }
        // If each exported metric has added a family, all names differ, so no two series have the same name and labels.
        if families.len() - known < exported_len {
            check_distinct(descriptors, &exported, labels)?;
        }
        let mut exported_metrics =
            descriptors.iter().zip(&exported).filter(|(_, family)| family.is_some());
        let has_labels = exported_metrics.any(|(metric, _)| metric.labels().len() > 0);
        let listed = Listed {
            runs: KindRun::all(descriptors),
            families: exported.into_boxed_slice(),
            descriptors: static_descriptors
                .map_or_else(|| Cow::Owned(descriptors.to_vec()), Cow::Borrowed),
        };
        Ok(Self {
            listed,
            problems,
            static_at: static_descriptors.map(|it| it.as_ptr().addr()),
            has_labels,
            accepted: accepted.map(Box::from),
        })
    }

    /// Returns whether a backend that is to be registered can use this schema.
    pub(super) fn is_for(&self, new: &Registration<'_>) -> bool {
        if self.accepted.as_deref() != new.accepted || self.len() != new.descriptors.len() {
            return false;
        }
        let static_at = new.static_descriptors.map(|it| it.as_ptr().addr());
        let is_same_list = static_at.is_some() && self.static_at == static_at;
        is_same_list || *self.listed.descriptors == *new.descriptors
    }

    /// Returns an error if the buckets of a histogram differ from the buckets of its family, or from the buckets of
    /// another histogram of the same backend and family. `buckets` contains the buckets of each histogram of the
    /// backend, with the index of the metric. `backend` contains the labels of the backend, for the error.
    pub(super) fn check_buckets(
        &self,
        buckets: &[(usize, Arc<Buckets>)],
        backend: &Labels,
    ) -> Result<(), RegisterError> {
        let mut new: Vec<(usize, &Buckets)> = Vec::new();
        for (index, buckets) in buckets {
            let Some(Some(family)) = self.listed.families.get(*index) else { continue };
            let of_backend = || new.iter().find(|it| it.0 == family.address()).map(|it| it.1);
            match family.buckets().or_else(of_backend) {
                Some(known) if !known.is_same(buckets) => {
                    return Err(family.conflicting_buckets(known, buckets, backend));
                }
                Some(_) => {}
                None => new.push((family.address(), buckets)),
            }
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.listed.families.len()
    }

    /// Returns the labels of each metric of a backend. For a metric that is not exported, these are the labels of the backend.
    ///
    /// # Errors
    ///
    /// Returns an error if an exported metric and the backend have a label with the same name.
    pub(super) fn labels(&self, backend: &Arc<Labels>) -> Result<MetricLabels, RegisterError> {
        if !self.has_labels {
            return Ok(MetricLabels::OfBackend(Arc::clone(backend)));
        }
        let metrics = self.listed.descriptors.iter().zip(&self.listed.families);
        let labels = metrics.map(|(metric, family)| match metric.labels() {
            own if own.len() == 0 || family.is_none() => Ok(Arc::clone(backend)),
            own => backend.with(own).map(Arc::new),
        });
        Ok(MetricLabels::Own(labels.collect::<Result<_, _>>()?))
    }
}

/// Returns an error if two metrics of one family have the same labels.
fn check_distinct(
    descriptors: &[Descriptor],
    families: &[Option<Family>],
    backend: &Labels,
) -> Result<(), RegisterError> {
    let mut distinct = HashSet::with_capacity(descriptors.len());
    for (metric, family) in descriptors.iter().zip(families) {
        let Some(family) = family else { continue };
        let labels = backend.with(metric.labels())?;
        if !distinct.insert((family.address(), labels)) {
            let labels = Arc::new(backend.with(metric.labels())?);
            return Err(SeriesId { family: family.clone(), labels }.duplicate_error());
        }
    }
    Ok(())
}

/// The labels of the series of one backend.
#[derive(Clone)]
pub(super) enum MetricLabels {
    /// Each metric has the labels of the backend and no others.
    OfBackend(Arc<Labels>),
    /// The labels of each metric, including the labels of the backend.
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
