//! The families of a registry, and the detection of conflicts between them.

use std::hash::BuildHasher;
use std::sync::Arc;

use papyra_metrics::Kind;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::{Batch, Family};
use crate::RegisterError;

/// The families of a registry. No two families have samples of the same name.
#[derive(Default)]
pub(crate) struct Families {
    batches: Vec<Arc<Batch>>,
    /// Each family, in the order of registration: the index of its batch in `batches`, and its index in that batch.
    all: Vec<(usize, usize)>,
    /// Maps the hash of each name to the position of its family in `all`. If another name already has this hash, the
    /// key is the next free number. Names are declared in a program and not chosen by an attacker, so a fast hash
    /// suffices.
    by_hash: FxHashMap<u64, usize>,
    /// The number of names in `all` that end in a sample suffix, such as `_total`. It is usually zero. If it is zero
    /// and the name of a new family does not end in a sample suffix either, the new family cannot share a sample name
    /// with a family of another name, and the check for that is skipped.
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

    /// Returns all families in the order of registration.
    pub(crate) fn all(&self) -> Vec<Family> {
        (0..self.len()).map(|position| self.at(position)).collect()
    }

    fn at(&self, position: usize) -> Family {
        let (batch, index) = self.all[position];
        self.batches[batch].family(index)
    }

    /// Returns the position in `all` of the family with this name. If there is none, the error is the key of `by_hash`
    /// under which the family can be added.
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

    /// Returns the known family with the same name as the family at `index` of `batch`. If there is none, adds the
    /// batch's family and returns it.
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

    /// Returns the earliest family that has a different name, but exports a sample of the same name as a family with
    /// this name and kind. For example, a counter `a` and a gauge `a_total` both export a sample `a_total`.
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

    /// Keeps the first `len` families and removes the others.
    pub(crate) fn truncate(&mut self, len: usize) {
        for position in len..self.len() {
            self.ambiguous -= usize::from(has_sample_suffix(self.at(position).name()));
        }
        self.all.truncate(len);
        self.batches.truncate(self.all.last().map_or(0, |(batch, _)| batch + 1));
        // The key of a family depends only on families that were added before it, so the remaining keys stay valid.
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

/// Returns whether the name ends in a suffix of sample names, such as `_total`.
fn has_sample_suffix(name: &str) -> bool {
    // The last letter is compared first, because this comparison alone rules out most names.
    let last = name.bytes().next_back();
    let mut suffixes = KINDS.iter().flat_map(|kind| kind.sample_suffixes());
    suffixes.any(|suffix| {
        !suffix.is_empty() && suffix.bytes().next_back() == last && name.ends_with(suffix)
    })
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;
    use std::sync::Arc;

    use papyra_metrics::Descriptor;
    use rustc_hash::FxBuildHasher;

    use super::super::{Batch, FamilyBuilder};
    use super::Families;

    fn batch(metrics: &[Descriptor]) -> Arc<Batch> {
        let mut builder = FamilyBuilder::new(&Arc::from("p.q"), &Arc::default(), metrics.len());
        for metric in metrics {
            let name = metric.exposition_name();
            builder.add(name, metric.kind(), metric.unit(), metric.help(), metric.labels());
        }
        builder.finish().unwrap()
    }

    #[test]
    fn families_that_share_a_sample_name_are_refused_in_either_order() {
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
    fn names_with_equal_hashes_are_different_families() {
        let batch = batch(&[Descriptor::counter("a"), Descriptor::counter("b")]);
        let mut known = Families::default();
        known.find_or_add(&batch, 0).unwrap();
        // This entry simulates that both names have the same hash.
        known.by_hash.insert(FxBuildHasher.hash_one("p_q_b"), 0);
        known.find_or_add(&batch, 1).unwrap();
        assert_eq!((known.find("p_q_a"), known.find("p_q_b")), (Ok(0), Ok(1)));
        known.truncate(1);
        assert_eq!(known.find("p_q_a"), Ok(0));
        assert!(known.find("p_q_b").is_err());
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
