//! Families: the definition that all series with the same name share, across backends.

use std::fmt;
use std::sync::{Arc, OnceLock};

use papyra_metrics::{Distribution, Kind};

use crate::error::MetricDefinition;
use crate::series::histogram::Buckets;
use crate::{Labels, RegisterError};

mod builder;
mod known;

pub(crate) use builder::FamilyBuilder;
pub(crate) use known::Families;

/// The definition of all series with one name. A clone is another handle to the same family.
#[derive(Clone)]
pub(crate) struct Family {
    batch: Arc<Batch>,
    /// The index of the family in its batch.
    index: usize,
    pub(crate) kind: Kind,
}

/// The families of one registration. They share memory, so that a registration needs few allocations.
pub(crate) struct Batch {
    /// The texts of all families, one after another.
    text: String,
    families: Vec<Texts>,
    /// The registry's prefix, with dots.
    prefix: Arc<str>,
    /// The labels of the backend, for error messages.
    backend: Arc<Labels>,
}

/// The kind of a family, and the positions of its texts in [`Batch::text`]. The texts follow one another in this order:
/// prefix, name, unit, help, label names.
struct Texts {
    kind: Kind,
    has_unit: bool,
    start: usize,
    prefix_end: usize,
    without_unit_end: usize,
    name_end: usize,
    unit_end: usize,
    help_end: usize,
    /// The end of the label names: the names of the metrics' own labels, in alphabetical order and joined by commas.
    label_names_end: usize,
    /// The buckets of a family of histograms. Unknown until a histogram of the family has been read.
    buckets: OnceLock<Arc<Buckets>>,
}

impl Batch {
    pub(crate) fn len(&self) -> usize {
        self.families.len()
    }

    fn name(&self, index: usize) -> &str {
        let texts = &self.families[index];
        &self.text[texts.start..texts.name_end]
    }

    fn unit(&self, index: usize) -> Option<&str> {
        let texts = &self.families[index];
        texts.has_unit.then(|| &self.text[texts.name_end..texts.unit_end])
    }

    fn label_names(&self, index: usize) -> &str {
        let texts = &self.families[index];
        &self.text[texts.help_end..texts.label_names_end]
    }

    fn family(self: &Arc<Self>, index: usize) -> Family {
        Family { batch: Arc::clone(self), index, kind: self.families[index].kind }
    }
}

impl Family {
    fn texts(&self) -> &Texts {
        &self.batch.families[self.index]
    }

    /// Returns the exported name with the prefix, without the `_total` of a counter.
    pub(crate) fn name(&self) -> &str {
        self.batch.name(self.index)
    }

    /// Returns the exported name without the prefix.
    pub(crate) fn own_name(&self) -> &str {
        let texts = self.texts();
        &self.batch.text[texts.prefix_end..texts.name_end]
    }

    /// Returns the registry's prefix and `name`, joined by a dot. The prefix keeps its dots, as in
    /// `papyra.storage.reads`.
    pub(crate) fn dotted(&self, name: &str) -> String {
        let prefix = &*self.batch.prefix;
        let dot = if prefix.is_empty() { "" } else { "." };
        [prefix, dot, name].concat()
    }

    /// Returns the exported name without the prefix and the unit.
    pub(crate) fn name_without_unit(&self) -> &str {
        let texts = self.texts();
        &self.batch.text[texts.prefix_end..texts.without_unit_end]
    }

    pub(crate) fn unit(&self) -> Option<&str> {
        self.batch.unit(self.index)
    }

    pub(crate) fn help(&self) -> &str {
        let texts = self.texts();
        &self.batch.text[texts.unit_end..texts.help_end]
    }

    fn label_names(&self) -> &str {
        self.batch.label_names(self.index)
    }

    /// Returns an address that identifies the family as long as a handle to it exists.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self.texts()).addr()
    }

    pub(crate) fn buckets(&self) -> Option<&Buckets> {
        self.texts().buckets.get().map(|buckets| &**buckets)
    }

    /// Sets the buckets, unless they are already known.
    pub(crate) fn set_buckets(&self, buckets: &Arc<Buckets>) {
        self.texts().buckets.get_or_init(|| Arc::clone(buckets));
    }

    /// Returns the buckets. If they are not known yet, sets them to the buckets of this distribution first.
    pub(crate) fn buckets_or_set(&self, distribution: &Distribution) -> &Buckets {
        self.texts().buckets.get_or_init(|| Arc::new(Buckets::of(distribution)))
    }

    fn definition(&self) -> MetricDefinition {
        let bounds = self.buckets().map(Buckets::written_bounds);
        MetricDefinition {
            name: self.name().to_owned(),
            kind: self.kind,
            unit: self.unit().map(str::to_owned),
            labels: self.label_names().split_terminator(',').map(str::to_owned).collect(),
            bounds: bounds.unwrap_or_default(),
            backend: self.batch.backend.to_string(),
        }
    }

    /// Returns the error for a new histogram whose buckets differ from the earlier buckets of this family.
    pub(crate) fn conflicting_buckets(
        &self,
        earlier: &Buckets,
        new: &Buckets,
        backend: &Labels,
    ) -> RegisterError {
        let earlier = MetricDefinition { bounds: earlier.written_bounds(), ..self.definition() };
        let (bounds, backend) = (new.written_bounds(), backend.to_string());
        let new = MetricDefinition { bounds, backend, ..self.definition() };
        RegisterError::ConflictingDefinition { new: Box::new(new), earlier: Box::new(earlier) }
    }
}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Family({} {})", self.kind, self.name())
    }
}
