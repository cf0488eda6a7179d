//! Finds metrics that cannot be distinguished, at compile time. The number of steps is that of metrics, and of series of
//! metrics that share a name: names are compared as text only if their hashes are equal.

use core::marker::PhantomData;

use super::conflict::{self, Conflict};
use super::declarations::{Declarations, DeclaredMetrics, Owner};
use super::table::DescriptorTable;
use crate::Descriptor;
use crate::label_set::LabelSet;
use crate::naming::{self, ExpositionName};

/// The collisions of a struct, found once and reported at each field.
pub(super) struct Check<M: ?Sized>(PhantomData<M>);

impl<M: DescriptorTable + ?Sized> Check<M> {
    pub(super) const COLLISIONS: Collisions = find::<M>();
}

/// One collision for each field, as far as there is room.
pub(super) struct Collisions {
    found: [Collision; Self::MAX],
    len: usize,
}

/// Two metrics that cannot be distinguished.
#[derive(Clone, Copy)]
pub(super) struct Collision {
    pub(super) first: Series,
    pub(super) second: Series,
    pub(super) conflict: Conflict,
}

/// One series, or the first of several neighbours, and the field that they come from.
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
        Self { found: [none; Self::MAX], len: 0 }
    }

    const fn push(&mut self, collision: Collision) {
        let is_reported =
            self.len > 0 && self.found[self.len - 1].second.owner.is(collision.second.owner);
        if self.len < Self::MAX && !is_reported {
            self.found[self.len] = collision;
            self.len += 1;
        }
    }

    /// The collision of a field with an earlier one.
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
        names += 1 + all.metric.kind.sample_suffixes().len();
        if all.labels_len() > 0 {
            names += 2 * all.members();
        }
    }
    // Half of the slots stay empty, so that a search ends soon.
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
        panic!("a struct has too many metrics")
    }
}

const fn find_with<M: DescriptorTable + ?Sized, const SLOTS: usize>() -> Collisions {
    let mut names = Names::<SLOTS> { all: M::COMPOSED, slots: [Slot::EMPTY; SLOTS] };
    let mut found = Collisions::new();
    // The struct's own metrics first: whichever is declared first, the flattened field is at fault.
    names.insert_all(M::DECLARED, false, &mut found);
    names.insert_all(M::DECLARED, true, &mut found);
    found
}

/// The names seen so far: an open-addressed table.
struct Names<const SLOTS: usize> {
    all: &'static [Descriptor],
    slots: [Slot; SLOTS],
}

#[derive(Clone, Copy)]
struct Slot {
    hash: u64,
    series: Series,
    /// Whether the series are in the table too, because another metric has their name.
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
    /// Inserts the struct's own metrics, or those of the flattened fields.
    const fn insert_all(
        &mut self,
        declared: Declarations,
        flattened: bool,
        found: &mut Collisions,
    ) {
        let mut all = DeclaredMetrics::new(declared);
        let mut index = 0;
        while all.advance() {
            let new = Series { index, len: all.members(), owner: all.owner() };
            if matches!(new.owner, Owner::Flattened(_)) == flattened {
                if let Some(collision) = self.insert(new) {
                    found.push(collision);
                }
            }
            index += new.len;
        }
    }

    /// Inserts the names of a metric. Returns its collision with one that was inserted before.
    const fn insert(&mut self, new: Series) -> Option<Collision> {
        let metric = &self.all[new.index];
        let mut first = self.insert_name(new, hash(KEY, metric.name.as_bytes()), Name::Key);
        let family = ExpositionName::of(metric);
        let mut hash_of_family = SAMPLE;
        let mut i = 0;
        while i < family.pieces.len() {
            hash_of_family = hash(hash_of_family, family.pieces[i]);
            i += 1;
        }
        let suffixes = metric.kind.sample_suffixes();
        let mut i = 0;
        while i < suffixes.len() {
            let name = if i == 0 { Name::Family } else { Name::Sample };
            let found = self.insert_name(new, hash(hash_of_family, suffixes[i].as_bytes()), name);
            if first.is_none() {
                first = found;
            }
            i += 1;
        }
        first
    }

    /// Inserts a name of that hash, unless it is known.
    const fn insert_name(&mut self, new: Series, hash: u64, name: Name) -> Option<Collision> {
        let mut at = low_bits(hash) % SLOTS;
        loop {
            let Slot { hash: known, series: first, is_shared } = self.slots[at];
            if first.len == 0 {
                self.slots[at] = Slot { hash, series: new, is_shared: false };
                return None;
            }
            // A metric has several names, so it may meet itself.
            if known == hash && first.index != new.index {
                let (a, b) = (&self.all[first.index], &self.all[new.index]);
                if let Some(conflict) = conflict::conflict(a, b) {
                    return Some(Collision { first, second: new, conflict });
                }
                let same_family = conflict::same_family(a, b);
                let is_known = match name {
                    Name::Key => {
                        !same_family && naming::equal(a.name.as_bytes(), b.name.as_bytes())
                    }
                    Name::Family => same_family,
                    // The family stays known by its first metric.
                    Name::Sample if same_family => return None,
                    Name::Sample | Name::Series => false,
                };
                if is_known {
                    // Only their labels distinguish the series.
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

    /// Inserts each of the series. Returns the first collision.
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
    /// An exported name with a suffix.
    Sample,
    /// One of the first two, with labels.
    Series,
}

// Keys of snapshots and names of samples may be equal without a collision, so their hashes begin differently.
const KEY: u64 = 1;
const SAMPLE: u64 = 2;

/// Continues a hash. It has 32 bits, so that no step overflows.
const fn hash(mut hash: u64, mut bytes: &[u8]) -> u64 {
    while let [byte, rest @ ..] = bytes {
        #[allow(clippy::cast_lossless)] // `from` is not const
        let byte = *byte as u64;
        hash = (hash * 0x0100_0193 + byte + 1) & 0xffff_ffff;
        bytes = rest;
    }
    hash
}

/// The same labels in another order have the same hash.
const fn labels_hash(labels: &LabelSet, mut series: u64) -> u64 {
    let mut i = 0;
    while i < labels.len() {
        let (name, value) = labels.get(i);
        // Separates the parts by a byte that does not occur in names.
        let label = hash(hash(KEY, name.as_bytes()), b"=");
        series = (series + hash(label, value.as_bytes())) & 0xffff_ffff;
        i += 1;
    }
    series
}

#[allow(clippy::cast_possible_truncation)] // on purpose
const fn low_bits(hash: u64) -> usize {
    hash as usize
}
