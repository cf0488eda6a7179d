//! The definition that all series of one name share, over all backends.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Arc, OnceLock};

use papyra_metrics::naming::{ExpositionName, is_name};
use papyra_metrics::{Distribution, Kind};
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::error::MetricDefinition;
use crate::series::histogram::Buckets;
use crate::{Labels, RegisterError};

/// All series of one name. A clone is another handle to the same family.
#[derive(Clone)]
pub(crate) struct Family {
    batch: Arc<Batch>,
    /// The index of its texts in the batch.
    index: usize,
    pub(crate) kind: Kind,
}

/// The families that one backend brings, which share allocations so that registering makes few of them.
pub(crate) struct Batch {
    /// The texts of all families, one after another.
    text: String,
    families: Vec<Texts>,
    /// The registry's prefix, with dots.
    prefix: Arc<str>,
    /// The labels of the backend, for messages.
    backend: Arc<Labels>,
}

/// The kind of a family, and where each of its texts ends: the prefix, the name without and with the unit, the unit, the
/// help, and the names of labels.
struct Texts {
    kind: Kind,
    has_unit: bool,
    start: usize,
    prefix_end: usize,
    without_unit_end: usize,
    name_end: usize,
    unit_end: usize,
    help_end: usize,
    /// The names of the labels that the metrics of the family bring themselves, in alphabetical order, joined by commas.
    label_names_end: usize,
    /// The buckets of a family of histograms, once one of them was there to be read.
    buckets: OnceLock<Arc<Buckets>>,
}

/// Prepares the families of one backend.
pub(crate) struct FamilyBuilder {
    /// Bytes, because names are composed without formatting, which is a good part of what registering costs.
    text: Vec<u8>,
    families: Vec<Texts>,
    prefix: Arc<str>,
    backend: Arc<Labels>,
}

impl FamilyBuilder {
    pub(crate) fn new(prefix: &Arc<str>, backend: &Arc<Labels>, families: usize) -> Self {
        Self {
            text: Vec::with_capacity(64 * families),
            families: Vec::with_capacity(families),
            prefix: Arc::clone(prefix),
            backend: Arc::clone(backend),
        }
    }

    /// Adds a family whose metrics have these labels of their own.
    pub(crate) fn add<'l>(
        &mut self,
        name: ExpositionName<'_>,
        kind: Kind,
        unit: Option<&str>,
        help: &str,
        labels: impl ExactSizeIterator<Item = (&'l str, &'l str)>,
    ) {
        let text = &mut self.text;
        let start = text.len();
        if !self.prefix.is_empty() {
            text.extend(self.prefix.bytes().map(|byte| if byte == b'.' { b'_' } else { byte }));
            text.push(b'_');
        }
        let prefix_end = text.len();
        // Most pieces are empty, and copying nothing takes a while too.
        let pieces = name.pieces().into_iter().filter(|piece| !piece.is_empty());
        pieces.for_each(|piece| text.extend_from_slice(piece));
        let name_end = text.len();
        let mut without_unit_end = name_end;
        if let Some(unit) = unit {
            // The name without its unit is the beginning of the name.
            let pieces = name.without_unit().pieces();
            without_unit_end = prefix_end + pieces.iter().map(|piece| piece.len()).sum::<usize>();
            text.extend_from_slice(unit.as_bytes());
        }
        let unit_end = text.len();
        text.extend_from_slice(help.as_bytes());
        let help_end = text.len();
        if labels.len() > 0 {
            let mut names: Vec<&str> = labels.map(|(name, _)| name).collect();
            names.sort_unstable();
            text.extend_from_slice(names.join(",").as_bytes());
        }
        self.families.push(Texts {
            kind,
            has_unit: unit.is_some(),
            start,
            prefix_end,
            without_unit_end,
            name_end,
            unit_end,
            help_end,
            label_names_end: text.len(),
            buckets: OnceLock::new(),
        });
    }

    /// Returns the families.
    ///
    /// # Errors
    ///
    /// Returns an error if an exported name is not valid.
    pub(crate) fn finish(self) -> Result<Arc<Batch>, RegisterError> {
        let Self { text, families, prefix, backend } = self;
        // Only names can be invalid UTF-8: they are composed of pieces, and everything else comes from strings.
        let (text, bytes) = match String::from_utf8(text) {
            Ok(text) => (text, Vec::new()),
            Err(error) => (String::new(), error.into_bytes()),
        };
        for Texts { start, name_end, .. } in &families {
            if !text.get(*start..*name_end).is_some_and(is_name) {
                let bytes = if bytes.is_empty() { text.as_bytes() } else { &bytes };
                let name = String::from_utf8_lossy(&bytes[*start..*name_end]).into_owned();
                return Err(RegisterError::InvalidMetricName { name });
            }
        }
        Ok(Arc::new(Batch { text, families, prefix, backend }))
    }
}

impl Batch {
    /// The number of families, in the order in which they were added.
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

    /// The exported name, prefix included, without a counter's `_total`.
    pub(crate) fn name(&self) -> &str {
        self.batch.name(self.index)
    }

    /// The exported name without the prefix.
    pub(crate) fn own_name(&self) -> &str {
        let texts = self.texts();
        &self.batch.text[texts.prefix_end..texts.name_end]
    }

    /// The name behind the registry's prefix, whose words are joined by dots.
    pub(crate) fn dotted(&self, name: &str) -> String {
        let prefix = &*self.batch.prefix;
        let dot = if prefix.is_empty() { "" } else { "." };
        [prefix, dot, name].concat()
    }

    /// The exported name without prefix and unit.
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

    /// Identifies the family as long as a handle to it exists.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self.texts()).addr()
    }

    pub(crate) fn buckets(&self) -> Option<&Buckets> {
        self.texts().buckets.get().map(|buckets| &**buckets)
    }

    /// Sets the buckets, unless they are known.
    pub(crate) fn set_buckets(&self, buckets: &Arc<Buckets>) {
        self.texts().buckets.get_or_init(|| Arc::clone(buckets));
    }

    /// Returns the buckets, which are those of this distribution if they were not known.
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

    /// The error for a backend whose buckets differ from those of this family.
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

/// The known families. No sample name occurs in two of them.
#[derive(Default)]
pub(crate) struct Families {
    batches: Vec<Arc<Batch>>,
    /// Each family, in the order of registration: the position of its batch, and its index in the batch.
    all: Vec<(usize, usize)>,
    /// The position of each family by the hash of its name. If an earlier name has the same hash, the key is the next free
    /// number. Names are declared in a program and not chosen by an attacker, so a fast hash suffices.
    by_hash: FxHashMap<u64, usize>,
    /// How many names end in a suffix that samples of another family might have. Usually none, and then families of
    /// different names cannot share a sample.
    ambiguous: usize,
}

impl Families {
    pub(crate) fn reserve(&mut self, families: usize) {
        self.all.reserve(families);
        self.by_hash.reserve(families);
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// All families, in the order of registration.
    pub(crate) fn all(&self) -> Vec<Family> {
        (0..self.len()).map(|position| self.at(position)).collect()
    }

    fn at(&self, position: usize) -> Family {
        let (batch, index) = self.all[position];
        self.batches[batch].family(index)
    }

    /// Returns the position of the family of this name, or the key under which it can be added.
    fn find(&self, name: &str) -> Result<usize, u64> {
        let mut hash = FxBuildHasher.hash_one(name);
        while let Some(&position) = self.by_hash.get(&hash) {
            let (batch, index) = self.all[position];
            if self.batches[batch].name(index) == name {
                return Ok(position);
            }
            hash = hash.wrapping_add(1);
        }
        Err(hash)
    }

    /// Returns the family with the name at this index of the batch; adds the batch's family if the name is new.
    pub(crate) fn find_or_add(
        &mut self,
        batch: &Arc<Batch>,
        index: usize,
    ) -> Result<Family, RegisterError> {
        let family = batch.family(index);
        let (name, kind) = (family.name(), family.kind);
        let is_ambiguous = has_sample_suffix(name);
        match self.find(name) {
            Ok(position) => {
                let known = self.at(position);
                // The help text of the first registration is kept.
                let is_same = (known.kind, known.unit()) == (kind, family.unit())
                    && known.label_names() == family.label_names();
                if is_same { Ok(known) } else { Err(conflict(&family, &known)) }
            }
            Err(hash) => {
                if is_ambiguous || self.ambiguous > 0 {
                    if let Some(known) = self.sharing(name, kind) {
                        return Err(conflict(&family, &known));
                    }
                }
                if !self.batches.last().is_some_and(|last| Arc::ptr_eq(last, batch)) {
                    self.batches.push(Arc::clone(batch));
                }
                self.by_hash.insert(hash, self.all.len());
                self.all.push((self.batches.len() - 1, index));
                self.ambiguous += usize::from(is_ambiguous);
                Ok(family)
            }
        }
    }

    /// The first family of another name that has a sample of the same name.
    fn sharing(&self, name: &str, kind: Kind) -> Option<Family> {
        let mut first: Option<usize> = None;
        for suffix in kind.sample_suffixes() {
            let sample = [name, suffix].concat();
            for known_suffix in KINDS.iter().flat_map(|kind| kind.sample_suffixes()) {
                let known_name = sample.strip_suffix(known_suffix).filter(|known| *known != name);
                let Some(Ok(position)) = known_name.map(|known| self.find(known)) else { continue };
                let is_sample = self.at(position).kind.sample_suffixes().contains(known_suffix);
                if is_sample && first.is_none_or(|before| position < before) {
                    first = Some(position);
                }
            }
        }
        first.map(|position| self.at(position))
    }

    /// Keeps only the first families.
    pub(crate) fn truncate(&mut self, len: usize) {
        for position in len..self.len() {
            self.ambiguous -= usize::from(has_sample_suffix(self.at(position).name()));
        }
        self.all.truncate(len);
        self.batches.truncate(self.all.last().map_or(0, |(batch, _)| batch + 1));
        // A key depends only on the families that came earlier, so the keys of those that are kept are still right.
        self.by_hash.retain(|_, position| *position < len);
    }
}

fn conflict(new: &Family, earlier: &Family) -> RegisterError {
    RegisterError::ConflictingDefinition {
        new: Box::new(new.definition()),
        earlier: Box::new(earlier.definition()),
    }
}

/// The kinds of families that are exported.
const KINDS: [Kind; 3] = [Kind::Counter, Kind::Gauge, Kind::Histogram];

/// Whether the name ends in the suffix of a sample of some kind.
fn has_sample_suffix(name: &str) -> bool {
    // The last letter first, because it is another one in most names.
    let last = name.bytes().next_back();
    let mut suffixes = KINDS.iter().flat_map(|kind| kind.sample_suffixes());
    suffixes.any(|suffix| {
        !suffix.is_empty() && suffix.bytes().next_back() == last && name.ends_with(suffix)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use papyra_metrics::Descriptor;

    use super::{Batch, Families, FamilyBuilder};

    fn batch(metrics: &[Descriptor]) -> Arc<Batch> {
        let mut builder = FamilyBuilder::new(&Arc::from("p.q"), &Arc::default(), metrics.len());
        for metric in metrics {
            let name = metric.exposition_name();
            builder.add(name, metric.kind(), metric.unit(), metric.help(), metric.labels());
        }
        builder.finish().unwrap()
    }

    #[test]
    fn families_share_no_sample_in_whatever_order_they_come() {
        let counter = Descriptor::counter;
        let gauge = Descriptor::gauge;
        let histogram = Descriptor::histogram;
        for (a, b, is_refused) in [
            (counter("writes"), gauge("writes"), true),
            (counter("writes"), gauge("writes_total"), true),
            (counter("writes"), gauge("writes_created"), true),
            (counter("a_total_total"), gauge("a_total"), true),
            (gauge("writes"), gauge("writes_total"), false),
            (counter("writes"), counter("reads"), false),
            (counter("writes"), counter("writes_total"), false),
            (histogram("writes"), counter("writes_count"), true),
            (histogram("writes"), gauge("writes_sum"), true),
            (histogram("writes"), gauge("writes_bucket"), true),
            (histogram("writes"), gauge("writes_max"), false),
        ] {
            for pair in [[&a, &b], [&b, &a]] {
                let mut known = Families::default();
                let results = pair.map(|metric| {
                    known.find_or_add(&batch(std::slice::from_ref(metric)), 0).is_err()
                });
                assert_eq!(results, [false, is_refused], "{pair:?}");
            }
        }
    }

    #[test]
    fn a_family_knows_its_name_with_and_without_prefix_and_unit() {
        let batch = batch(&[
            Descriptor::counter("bytes_written").with_unit("bytes"),
            Descriptor::gauge("bytes").with_unit("bytes"),
            Descriptor::counter("reads_total").with_help("Reads."),
        ]);
        let families: Vec<_> = (0..batch.len()).map(|index| batch.family(index)).collect();
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
