//! The data of a backend that is to be registered. The modules of the registry pass it to each other.

use std::sync::Arc;

use papyra_metrics::Descriptor;

use crate::Labels;
use crate::series::histogram::Buckets;
use crate::series::source::Source;

/// A backend that is to be registered, with everything that the store needs to know about it.
pub(super) struct Registration<'a> {
    pub(super) prefix: &'a Arc<str>,
    pub(super) source: &'a Arc<dyn Source>,
    pub(super) labels: &'a Arc<Labels>,
    pub(super) descriptors: &'a [Descriptor],
    /// The list of descriptors if the list is static. A static list is identified by its address.
    pub(super) static_descriptors: Option<&'static [Descriptor]>,
    /// For each metric, whether the filters accept it. `None` if there are no filters.
    pub(super) accepted: Option<&'a [bool]>,
    /// The buckets of the backend's histograms, each with the index of the histogram's descriptor. A histogram that is
    /// absent, for example in a flattened `Option` that is `None`, is left out.
    pub(super) buckets: &'a [(usize, Arc<Buckets>)],
}
