//! A backend that is to be registered, as the registry's parts know it.

use std::sync::Arc;

use papyra_metrics::Descriptor;

use crate::Labels;
use crate::series::histogram::Buckets;
use crate::series::source::Source;

/// A backend that is to be registered.
pub(super) struct Registration<'a> {
    pub(super) prefix: &'a Arc<str>,
    pub(super) source: &'a Arc<dyn Source>,
    pub(super) labels: &'a Arc<Labels>,
    pub(super) descriptors: &'a [Descriptor],
    /// The same list if it is static, so that its address identifies it.
    pub(super) static_descriptors: Option<&'static [Descriptor]>,
    /// Whether a filter accepts each metric.
    pub(super) accepted: Option<&'a [bool]>,
    /// The buckets of its histograms that are not absent, by the index of the descriptor.
    pub(super) buckets: &'a [(usize, Arc<Buckets>)],
}
