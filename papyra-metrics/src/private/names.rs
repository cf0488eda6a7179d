//! Finds, at compile time, metrics that cannot be distinguished. Names are compared as text only if their hashes are
//! equal. So the number of steps is proportional to the number of metrics, plus the number of series of those metrics
//! that share their name with another metric.

use core::marker::PhantomData;

use super::conflict::{self, Conflict};
use super::declarations::{Declarations, DeclaredMetrics, Owner};
use super::table::DescriptorTable;
use crate::Descriptor;
use crate::hash::{first_slot, hash};
use crate::label_set::LabelSet;
use crate::naming::{self, ExpositionName};

/// Holds the collisions of a struct in a constant, so that they are computed only once for the checks of all fields.
pub(super) struct Check<M: ?Sized>(PhantomData<M>);

impl<M: DescriptorTable + ?Sized> Check<M> {
    pub(super) const COLLISIONS: Collisions = find::<M>();
}

/// The collisions of a struct: at most one for each field, and at most [`MAX`](Self::MAX) in all.
pub(super) struct Collisions {
    found: [Collision; Self::MAX],
    len: usize,
    /// Whether the struct has so many metrics that they were not compared.
    pub(super) has_too_many_metrics: bool,
}

/// Two metrics that cannot be distinguished.
#[derive(Clone, Copy)]
pub(super) struct Collision {
    pub(super) first: Series,
    pub(super) second: Series,
    pub(super) conflict: Conflict,
}

/// Adjacent series of one metric: all series of the metric, or a single series. `owner` is the field that declares the
/// metric.
#[derive(Clone, Copy)]
pub(super) struct Series {
    pub(super) index: usize,
    len: usize,
    pub(super) owner: Owner,
}

impl Collisions {
    const MAX: usize = 16;

    const fn new() -> Self {
        let none = Series { index: 0, len: 0, owner: Owner::Own(0) };
        let none = Collision { first: none, second: none, conflict: Conflict::Series };
        Self { found: [none; Self::MAX], len: 0, has_too_many_metrics: false }
    }

    const fn push(&mut self, collision: Collision) {
        let is_reported =
            self.len > 0 && self.found[self.len - 1].second.owner.is(collision.second.owner);
        if self.len < Self::MAX && !is_reported {
            self.found[self.len] = collision;
            self.len += 1;
        }
    }

    /// Returns the collision to report at a field, if there is one. If a metric of a flattened field collides with a
    /// metric of the struct itself, the collision is reported at the flattened field. Otherwise, it is reported at the
    /// field of the later metric.
    pub(super) const fn of(&self, owner: Owner) -> Option<Collision> {
        let mut i = 0;
        while i < self.len {
            if self.found[i].second.owner.is(owner) {
                return Some(self.found[i]);
            }
            i += 1;
        }
        None
    }
}

/// Finds the collisions of the metrics of a struct.
const fn find<M: DescriptorTable + ?Sized>() -> Collisions {
    let mut all = DeclaredMetrics::new(M::DECLARED);
    let mut names = 0;
    while all.advance() {
        names += 3;
        if all.has_labels {
            names += 2 * all.members;
        }
    }
    // At least half of the slots stay empty, so that a search soon ends at an empty slot.
    let slots = 2 * names;
    if slots <= 1 << 8 {
        find_with::<M, { 1 << 8 }>()
    } else if slots <= 1 << 11 {
        find_with::<M, { 1 << 11 }>()
    } else if slots <= 1 << 14 {
        find_with::<M, { 1 << 14 }>()
    } else if slots <= 1 << 17 {
        find_with::<M, { 1 << 17 }>()
    } else if slots <= 1 << 20 {
        find_with::<M, { 1 << 20 }>()
    } else {
        Collisions { has_too_many_metrics: true, ..Collisions::new() }
    }
}

const fn find_with<M: DescriptorTable + ?Sized, const SLOTS: usize>() -> Collisions {
    let mut names = Names::<SLOTS> { all: M::COMPOSED, slots: [Slot::EMPTY; SLOTS] };
    let mut found = Collisions::new();
    // Inserts the struct's own metrics first, so that a collision with them is reported at the flattened field, even if
    // that field is declared first.
    if let [_, ..] = M::OWN {
        names.insert_all(M::DECLARED, false, &mut found);
    }
    names.insert_all(M::DECLARED, true, &mut found);
    found
}

/// The names that have been inserted so far, as an open-addressed hash table.
struct Names<const SLOTS: usize> {
    all: &'static [Descriptor],
    slots: [Slot; SLOTS],
}

#[derive(Clone, Copy)]
struct Slot {
    hash: u64,
    series: Series,
    /// Whether the individual series of the metric are in the table too. They are inserted when a second metric of the same name
    /// is inserted.
    is_shared: bool,
}

impl Slot {
    const EMPTY: Self = Self {
        hash: 0,
        series: Series { index: 0, len: 0, owner: Owner::Own(0) },
        is_shared: false,
    };
}

impl<const SLOTS: usize> Names<SLOTS> {
    /// Inserts the metrics of the flattened fields if `flattened`, and the struct's own metrics otherwise.
    const fn insert_all(
        &mut self,
        declared: Declarations,
        flattened: bool,
        found: &mut Collisions,
    ) {
        let mut all = DeclaredMetrics::new(declared);
        let mut index = 0;
        while all.advance() {
            let new = Series { index, len: all.members, owner: all.owner() };
            if matches!(new.owner, Owner::Flattened(_)) == flattened {
                if let Some(collision) = self.insert(new) {
                    found.push(collision);
                }
            }
            index += new.len;
        }
    }

    /// Inserts the names of a metric. Returns a collision with a metric that was inserted before, if there is one.
    ///
    /// A sample's name is the name of its family, with or without a suffix such as `_count`. No suffix ends in another suffix. So
    /// samples of two families have the same name only if the families have the same name, or if the name of one family
    /// is the name of the other family followed by a suffix, as in `writes` and `writes_count`. Therefore two names of
    /// each family are enough: its name, and, if this ends in a suffix, its name without the suffix. The names of all
    /// its samples need not be inserted.
    const fn insert(&mut self, new: Series) -> Option<Collision> {
        let metric = &self.all[new.index];
        let mut name = hash(0, metric.name.as_bytes());
        let as_key = self.insert_name(new, name * 2, Name::Key);
        let family = if let Some(family) = ExpositionName::unchanged(metric) {
            family
        } else {
            let family = ExpositionName::of(metric);
            name = hash_of(&family, usize::MAX);
            family
        };
        let as_family = self.insert_name(new, name * 2 + 1, Name::Family);
        let as_sample = match family.len_without_sample_suffix() {
            Some(len) => self.insert_name(new, hash_of(&family, len) * 2 + 1, Name::Sample),
            None => None,
        };
        match (as_key, as_family) {
            (Some(_), _) => as_key,
            (None, Some(_)) => as_family,
            (None, None) => as_sample,
        }
    }

    /// Inserts a name of the metric `new`, by the hash of the name, unless the table contains the name. Returns the first
    /// collision with another metric, if there is one.
    const fn insert_name(&mut self, new: Series, hash: u64, name: Name) -> Option<Collision> {
        let mut at = first_slot(hash, SLOTS);
        loop {
            let Slot { hash: known, series: first, is_shared } = self.slots[at];
            if first.len == 0 {
                self.slots[at] = Slot { hash, series: new, is_shared: false };
                return None;
            }
            // A metric is inserted under several names, so the search may find the metric itself.
            if known == hash && first.index != new.index {
                let (a, b) = (&self.all[first.index], &self.all[new.index]);
                if let Some(conflict) = conflict::conflict(a, b) {
                    return Some(Collision { first, second: new, conflict });
                }
                let is_known = match name {
                    Name::Key => naming::equal(a.name.as_bytes(), b.name.as_bytes()),
                    Name::Family => conflict::same_family(a, b),
                    // The slot of the first metric of the family represents all metrics of the family.
                    Name::Sample if conflict::same_family(a, b) => return None,
                    Name::Sample | Name::Series => false,
                };
                if is_known {
                    // Series with the same name can differ only in their labels, so each series is inserted with its labels.
                    self.slots[at].is_shared = true;
                    if !is_shared {
                        self.insert_series(first, hash);
                    }
                    return self.insert_series(new, hash);
                }
            }
            at = (at + 1) % SLOTS;
        }
    }

    /// Inserts each series of the metric `new`. Returns the first collision with another metric, if there is one.
    const fn insert_series(&mut self, new: Series, hash_of_name: u64) -> Option<Collision> {
        let mut first = None;
        let mut i = 0;
        while i < new.len {
            let one = Series { index: new.index + i, len: 1, owner: new.owner };
            let hash = labels_hash(&self.all[one.index].labels, hash_of_name);
            let found = self.insert_name(one, hash, Name::Series);
            if first.is_none() {
                first = found;
            }
            i += 1;
        }
        first
    }
}

/// The kinds of names in the table.
#[derive(Clone, Copy)]
enum Name {
    /// The name in the keys of a snapshot.
    Key,
    /// The exported name.
    Family,
    /// The exported name without a suffix of sample names such as `_count`. Inserted only if the exported name has such a suffix.
    Sample,
    /// A [`Key`](Self::Key) or a [`Family`](Self::Family) together with the labels of one series.
    Series,
}

/// Returns the hash of the first `len` bytes of an exported name, or of the whole name if it is shorter.
const fn hash_of(name: &ExpositionName<'_>, mut len: usize) -> u64 {
    let mut so_far = 0;
    let mut pieces: &[&[u8]] = &name.pieces;
    while let [piece, rest @ ..] = pieces {
        let piece = if piece.len() > len { piece.split_at(len).0 } else { piece };
        so_far = hash(so_far, piece);
        len -= piece.len();
        pieces = rest;
    }
    so_far
}

/// Returns the hash of a series. `series` is the hash of its name. The order of its labels does not change the hash.
const fn labels_hash(labels: &LabelSet, mut series: u64) -> u64 {
    let mut i = 0;
    while i < labels.len() {
        let (name, value) = labels.get(i);
        // Separates name and value by a byte that does not occur in names.
        let label = hash(hash(0, name.as_bytes()), b"=");
        series = (series + hash(label, value.as_bytes()) * 2) & 0x1_ffff_ffff;
        i += 1;
    }
    series
}

#[cfg(all(test, not(loom), feature = "alloc"))]
mod tests {
    use alloc::vec::Vec;

    use super::{Names, Owner, Series, Slot, conflict};
    use crate::{Descriptor, Kind};

    /// Returns metrics, many of which share a name, an exported name or a sample name with others.
    fn metrics() -> Vec<Descriptor> {
        let names = [
            "a",
            "a_total",
            "a_created",
            "a_count",
            "a_sum",
            "a_bucket",
            "a_bytes",
            "bytes_a",
            "a_total_sum",
            "total",
            "a_bytes_sum",
        ];
        let mut metrics = Vec::new();
        for name in names {
            for kind in Kind::ALL {
                for unit in ["", "bytes", "count"] {
                    for labels in [&[][..], &[("op", "get")], &[("op", "put")], &[("to", "a")]] {
                        let mut metric = Descriptor::new(name, kind).with_labels(labels);
                        metric.prefix_len = if name.starts_with("a_") { 2 } else { 0 };
                        metrics.push(if unit.is_empty() { metric } else { metric.with_unit(unit) });
                    }
                }
            }
        }
        metrics
    }

    #[test]
    fn no_suffix_of_a_sample_ends_in_another_one() {
        let suffixes = Kind::ALL.map(Kind::sample_suffixes).concat();
        for a in suffixes.iter().filter(|suffix| !suffix.is_empty()) {
            assert!(suffixes.iter().all(|b| a == b || !b.ends_with(a)), "{a}");
        }
    }

    /// Returns whether the check finds a collision.
    fn collide(metrics: &'static [Descriptor]) -> bool {
        let mut names = Names { all: metrics, slots: [Slot::EMPTY; 64] };
        let series = |index| Series { index, len: 1, owner: Owner::Own(index) };
        (0..metrics.len()).any(|index| names.insert(series(index)).is_some())
    }

    #[test]
    fn the_check_finds_the_collisions_that_a_comparison_of_all_pairs_finds() {
        let metrics = metrics();
        let (mut pairs, mut collisions) = (0, 0);
        for a in &metrics {
            for b in &metrics {
                let expected = conflict::conflict(a, b).is_some();
                let pair = Vec::from([a.clone(), b.clone()]).leak();
                assert_eq!(collide(pair), expected, "{a:?} {b:?}");
                pairs += 1;
                collisions += usize::from(expected);
            }
        }
        assert!(collisions > 1000 && collisions < pairs / 2, "{collisions} of {pairs}");
    }

    #[test]
    fn the_check_finds_a_collision_behind_other_metrics() {
        let metrics = metrics();
        // Pseudo-random numbers, the same in each run.
        let mut random = 1_u64;
        let mut found = 0;
        for _ in 0..20_000 {
            let mut next = || {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                metrics[usize::try_from(random >> 33).unwrap() % metrics.len()].clone()
            };
            let some = Vec::from([next(), next(), next(), next()]).leak();
            let expected = some
                .iter()
                .enumerate()
                .any(|(i, a)| some[i + 1..].iter().any(|b| conflict::conflict(a, b).is_some()));
            assert_eq!(collide(some), expected, "{some:?}");
            found += usize::from(expected);
        }
        assert!(found > 1000 && found < 19_000, "{found}");
    }
}
