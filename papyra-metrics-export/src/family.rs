//! What all series of one name have in common, over all backends.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use papyra_metrics::Kind;
use papyra_metrics::naming::{ExpositionName, is_name};

use crate::error::MetricDefinition;
use crate::{Labels, RegisterError};

/// All series of one name.
#[derive(Debug)]
pub(crate) struct Family {
    /// The texts of this family and of others that were prepared together.
    texts: Arc<str>,
    place: Place,
    /// The registry's prefix, with dots.
    prefix: Arc<str>,
    pub(crate) kind: Kind,
    /// The labels of the backend that was registered first, for messages.
    backend: Arc<Labels>,
}

/// Where the texts of a family are.
#[derive(Debug)]
struct Place {
    name: Range<usize>,
    unit: Option<Range<usize>>,
    help: Range<usize>,
    /// The length of the registry's prefix, and of the name without its unit.
    prefix_len: usize,
    without_unit_len: usize,
}

impl Family {
    /// The exported name, prefix included, without a counter's `_total`.
    pub(crate) fn name(&self) -> &str {
        &self.texts[self.place.name.clone()]
    }

    /// The exported name without the prefix.
    pub(crate) fn own_name(&self) -> &str {
        &self.name()[self.place.prefix_len..]
    }

    /// The name behind the registry's prefix, whose words are joined by dots.
    pub(crate) fn dotted(&self, name: &str) -> String {
        let dot = if self.prefix.is_empty() { "" } else { "." };
        [&*self.prefix, dot, name].concat()
    }

    /// The exported name without prefix and unit.
    pub(crate) fn name_without_unit(&self) -> &str {
        &self.name()[self.place.prefix_len..self.place.without_unit_len]
    }

    pub(crate) fn unit(&self) -> Option<&str> {
        self.place.unit.clone().map(|unit| &self.texts[unit])
    }

    pub(crate) fn help(&self) -> &str {
        &self.texts[self.place.help.clone()]
    }

    fn definition(&self) -> MetricDefinition {
        MetricDefinition {
            name: self.name().to_owned(),
            kind: self.kind,
            unit: self.unit().map(str::to_owned),
            backend: self.backend.to_string(),
        }
    }

    /// Whether both may be one family. The help is that of the first.
    fn is_compatible(&self, other: &Self) -> bool {
        (self.name(), self.kind, self.unit()) == (other.name(), other.kind, other.unit())
    }
}

/// Prepares families, whose texts share one allocation.
pub(crate) struct FamilyBuilder<'a> {
    /// The registry's prefix, with dots.
    prefix: &'a Arc<str>,
    texts: String,
    families: Vec<(Place, Kind)>,
}

impl<'a> FamilyBuilder<'a> {
    pub(crate) fn new(prefix: &'a Arc<str>, families: usize) -> Self {
        let texts = String::with_capacity(64 * families);
        Self { prefix, texts, families: Vec::with_capacity(families) }
    }

    /// Adds a family.
    ///
    /// # Errors
    ///
    /// Returns an error if the exported name is not a name.
    pub(crate) fn add(
        &mut self,
        name: ExpositionName<'_>,
        kind: Kind,
        unit: Option<&str>,
        help: &str,
    ) -> Result<(), RegisterError> {
        use std::fmt::Write;

        let texts = &mut self.texts;
        let start = texts.len();
        if !self.prefix.is_empty() {
            texts.extend(self.prefix.chars().map(|char| if char == '.' { '_' } else { char }));
            texts.push('_');
        }
        let prefix_len = texts.len() - start;
        // Writing to a string cannot fail. The name without its unit is the beginning of the name.
        let _ = write!(texts, "{}", name.without_unit());
        let without_unit_len = texts.len() - start;
        if unit.is_some() {
            texts.truncate(start + prefix_len);
            let _ = write!(texts, "{name}");
        }
        let name = start..texts.len();
        if !is_name(&texts[name.clone()]) {
            return Err(RegisterError::InvalidMetricName { name: texts[name].to_owned() });
        }
        let unit = unit.map(|unit| push(texts, unit));
        let help = push(texts, help);
        let place = Place { name, unit, help, prefix_len, without_unit_len };
        self.families.push((place, kind));
        Ok(())
    }

    /// The families, in the order in which they were added, each for the backend of these labels.
    pub(crate) fn finish(
        self,
        backend: &Arc<Labels>,
    ) -> impl ExactSizeIterator<Item = Family> + use<> {
        let (texts, prefix): (Arc<str>, _) = (self.texts.into(), Arc::clone(self.prefix));
        let backend = Arc::clone(backend);
        self.families.into_iter().map(move |(place, kind)| Family {
            texts: Arc::clone(&texts),
            place,
            prefix: Arc::clone(&prefix),
            kind,
            backend: Arc::clone(&backend),
        })
    }
}

fn push(texts: &mut String, text: &str) -> Range<usize> {
    let start = texts.len();
    texts.push_str(text);
    start..texts.len()
}

/// The known families. No two of them share the name of a sample.
#[derive(Default)]
pub(crate) struct Families {
    /// In the order in which they came.
    all: Vec<Arc<Family>>,
    by_name: HashSet<ByName>,
    /// How many names end like a sample of another family might. Usually none, and then no two families of different
    /// names can share a sample.
    ambiguous: usize,
}

struct ByName(Arc<Family>);

impl Borrow<str> for ByName {
    fn borrow(&self) -> &str {
        self.0.name()
    }
}

impl Hash for ByName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name().hash(state);
    }
}

impl PartialEq for ByName {
    fn eq(&self, other: &Self) -> bool {
        self.0.name() == other.0.name()
    }
}

impl Eq for ByName {}

impl Families {
    pub(crate) fn reserve(&mut self, families: usize) {
        self.all.reserve(families);
        self.by_name.reserve(families);
    }

    pub(crate) fn all(&self) -> &[Arc<Family>] {
        &self.all
    }

    /// Returns the family of this name, which is this one if there was none.
    pub(crate) fn find_or_add(&mut self, family: Family) -> Result<Arc<Family>, RegisterError> {
        if let Some(ByName(known)) = self.by_name.get(family.name()) {
            if known.is_compatible(&family) {
                return Ok(Arc::clone(known));
            }
            return Err(conflict(&family, known));
        }
        let is_ambiguous = has_sample_suffix(family.name());
        if is_ambiguous || self.ambiguous > 0 {
            let sharing = |known: &&Arc<Family>| {
                family.kind.sample_suffixes().iter().any(|suffix| {
                    known.kind.sample_suffixes().iter().any(|known_suffix| {
                        is_same_sample(family.name(), suffix, known.name(), known_suffix)
                    })
                })
            };
            if let Some(known) = self.all.iter().find(sharing) {
                return Err(conflict(&family, known));
            }
        }
        let family = Arc::new(family);
        self.ambiguous += usize::from(is_ambiguous);
        self.by_name.insert(ByName(Arc::clone(&family)));
        self.all.push(Arc::clone(&family));
        Ok(family)
    }

    /// Forgets all families but the first ones.
    pub(crate) fn truncate(&mut self, len: usize) {
        for family in self.all.drain(len..) {
            self.ambiguous -= usize::from(has_sample_suffix(family.name()));
            self.by_name.remove(family.name());
        }
    }
}

fn conflict(new: &Family, earlier: &Family) -> RegisterError {
    RegisterError::ConflictingDefinition {
        new: Box::new(new.definition()),
        earlier: Box::new(earlier.definition()),
    }
}

/// Whether the name ends in a suffix of the exported kinds. Samples of gauges have none.
fn has_sample_suffix(name: &str) -> bool {
    Kind::Counter
        .sample_suffixes()
        .iter()
        .any(|suffix| !suffix.is_empty() && name.ends_with(suffix))
}

/// Whether both names are the same once they have their suffixes.
fn is_same_sample(a: &str, a_suffix: &str, b: &str, b_suffix: &str) -> bool {
    a.len() + a_suffix.len() == b.len() + b_suffix.len()
        && a.bytes().chain(a_suffix.bytes()).eq(b.bytes().chain(b_suffix.bytes()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use papyra_metrics::Descriptor;

    use super::{Families, FamilyBuilder};

    #[test]
    fn families_share_no_sample_in_whatever_order_they_come() {
        let prefix = Arc::from("p.q");
        let counter = Descriptor::counter;
        let gauge = Descriptor::gauge;
        for (a, b, is_refused) in [
            (counter("writes"), gauge("writes"), true),
            (counter("writes"), gauge("writes_total"), true),
            (counter("writes"), gauge("writes_created"), true),
            (counter("a_total_total"), gauge("a_total"), true),
            (gauge("writes"), gauge("writes_total"), false),
            (counter("writes"), counter("reads"), false),
            (counter("writes"), counter("writes_total"), false),
        ] {
            for pair in [[&a, &b], [&b, &a]] {
                let mut families = Families::default();
                let results = pair.map(|metric| {
                    let mut builder = FamilyBuilder::new(&prefix, 1);
                    let name = metric.exposition_name();
                    builder.add(name, metric.kind(), metric.unit(), metric.help()).unwrap();
                    let family = builder.finish(&Arc::default()).next().unwrap();
                    families.find_or_add(family).is_err()
                });
                assert_eq!(results, [false, is_refused], "{pair:?}");
            }
        }
    }

    #[test]
    fn a_family_knows_its_name_with_and_without_prefix_and_unit() {
        let prefix = Arc::from("p.q");
        let metrics = [
            Descriptor::counter("bytes_written").with_unit("bytes"),
            Descriptor::gauge("bytes").with_unit("bytes"),
            Descriptor::counter("reads_total").with_help("Reads."),
        ];
        let mut builder = FamilyBuilder::new(&prefix, 3);
        for metric in &metrics {
            let name = metric.exposition_name();
            builder.add(name, metric.kind(), metric.unit(), metric.help()).unwrap();
        }
        let families: Vec<_> = builder.finish(&Arc::default()).collect();
        let names = families.iter().map(|it| (it.name(), it.own_name(), it.name_without_unit()));
        assert_eq!(
            names.collect::<Vec<_>>(),
            [
                ("p_q_written_bytes", "written_bytes", "written"),
                ("p_q_bytes", "bytes", "bytes"),
                ("p_q_reads", "reads", "reads")
            ]
        );
        assert_eq!(families[0].dotted(families[0].name_without_unit()), "p.q.written");
        assert_eq!((families[0].unit(), families[0].help()), (Some("bytes"), ""));
        assert_eq!((families[2].unit(), families[2].help()), (None, "Reads."));
    }
}
