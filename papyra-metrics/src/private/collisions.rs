//! Finds metrics that cannot be told apart, at compile time, in a number of steps that is linear in the number of
//! metrics: names are compared as text only if their hashes are equal.

use core::marker::PhantomData;

use super::flatten::{Composed, Owner, Series, write};
use super::flattened::Flattened;
use super::table::DescriptorTable;
use crate::Descriptor;
use crate::naming::{self, Conflict, ExpositionName};

/// Refuses metrics of the flattened field `index` that collide with metrics of the struct itself or of an earlier
/// flattened field, or that have one of its labels themselves.
#[track_caller]
pub const fn assert_flattens<M: DescriptorTable + ?Sized>(index: usize) {
    let Flattened { field, labels, metrics, .. } = &M::FLATTENED[index];
    let mut i = 0;
    while i < metrics.len() && !labels.is_empty() {
        if let Some(label) = naming::common_label(labels, metrics[i].labels) {
            let mut message = Message::new();
            message.push("the label `").push(label).push("` of the flattened field `").push(field);
            message.push("` is a label of its metric `").push(metrics[i].name);
            message.push("` too; rename one of them");
            panic!("{}", message.as_str());
        }
        i += 1;
    }
    refuse_collision::<M>(Owner::Flattened(index));
}

/// Refuses a metric of the struct itself that collides with an earlier one, or whose labels are not distinct.
#[track_caller]
pub const fn assert_distinct<M: DescriptorTable + ?Sized>(index: usize) {
    let own = &M::OWN[index];
    let family = if index < M::FAMILIES.len() { M::FAMILIES[index] } else { &[] };
    let mut i = 0;
    while i < family.len() {
        if let Some(label) = naming::common_label(&[(family[i].name(), "")], own.labels) {
            let mut message = Message::new();
            message.push("the label `").push(label).push("` is one of the family `").push(own.name);
            message.push("` and one of its `labels` too; rename one of them");
            panic!("{}", message.as_str());
        }
        i += 1;
    }
    refuse_collision::<M>(Owner::Own(index));
}

#[track_caller]
const fn refuse_collision<M: DescriptorTable + ?Sized>(owner: Owner) {
    let collisions = &Check::<M>::COLLISIONS;
    let mut i = 0;
    while i < collisions.len {
        let Collision { first, second, conflict } = collisions.found[i];
        if is_same(second.owner, owner) {
            refuse(
                (&M::COMPOSED[first.metric], first.owner),
                (&M::COMPOSED[second.metric], owner),
                conflict,
                M::FLATTENED,
            );
        }
        i += 1;
    }
}

const fn is_same(a: Owner, b: Owner) -> bool {
    match (a, b) {
        (Owner::Own(a), Owner::Own(b)) | (Owner::Flattened(a), Owner::Flattened(b)) => a == b,
        _ => false,
    }
}

/// The collisions of a struct, found once and reported at each field.
struct Check<M: ?Sized>(PhantomData<M>);

impl<M: DescriptorTable + ?Sized> Check<M> {
    const COLLISIONS: Collisions = find::<M>();
}

/// One collision for each field, as far as there is room.
struct Collisions {
    found: [Collision; Self::MAX],
    len: usize,
}

#[derive(Clone, Copy)]
struct Collision {
    first: Owned,
    second: Owned,
    conflict: Conflict,
}

/// A metric, and the field that it comes from.
#[derive(Clone, Copy)]
struct Owned {
    metric: usize,
    owner: Owner,
}

impl Collisions {
    const MAX: usize = 16;

    const fn new() -> Self {
        let none = Owned { metric: 0, owner: Owner::Own(0) };
        let none = Collision { first: none, second: none, conflict: Conflict::Series };
        Self { found: [none; Self::MAX], len: 0 }
    }

    const fn push(&mut self, collision: Collision) {
        let is_reported =
            self.len > 0 && is_same(self.found[self.len - 1].second.owner, collision.second.owner);
        if self.len < Self::MAX && !is_reported {
            self.found[self.len] = collision;
            self.len += 1;
        }
    }
}

/// Finds the collisions of the metrics of a struct.
const fn find<M: DescriptorTable + ?Sized>() -> Collisions {
    let all = M::COMPOSED;
    let mut names = 0;
    let mut i = 0;
    while i < all.len() {
        names += 1;
        if !continues_family(all, i) {
            names += all[i].kind.sample_suffixes().len();
        }
        i += 1;
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

/// Whether a metric is the next series of the family that the one before it belongs to, so that the names of its samples
/// are known.
const fn continues_family(all: &[Descriptor], i: usize) -> bool {
    i > 0 && naming::continues(&all[i - 1], &all[i])
}

const fn find_with<M: DescriptorTable + ?Sized, const SLOTS: usize>() -> Collisions {
    let empty = Slot { hash: 0, metric: Owned { metric: EMPTY, owner: Owner::Own(0) } };
    let mut names = Names::<SLOTS> { slots: [empty; SLOTS] };
    let mut found = Collisions::new();
    // The struct's own metrics first: whichever is declared first, the flattened field is at fault.
    insert_all::<M, SLOTS>(&mut names, &mut found, false);
    insert_all::<M, SLOTS>(&mut names, &mut found, true);
    found
}

/// Inserts the struct's own metrics, or those of the flattened fields.
const fn insert_all<M: DescriptorTable + ?Sized, const SLOTS: usize>(
    names: &mut Names<SLOTS>,
    found: &mut Collisions,
    flattened: bool,
) {
    let mut all = Series::of::<M>();
    let mut metric = 0;
    while let Some(Composed { owner, .. }) = all.next() {
        if matches!(owner, Owner::Flattened(_)) == flattened {
            let second = Owned { metric, owner };
            if let Some((first, conflict)) = names.insert(M::COMPOSED, second) {
                found.push(Collision { first, second, conflict });
            }
        }
        metric += 1;
    }
}

/// The names seen so far: an open-addressed table.
struct Names<const SLOTS: usize> {
    slots: [Slot; SLOTS],
}

#[derive(Clone, Copy)]
struct Slot {
    hash: u64,
    metric: Owned,
}

const EMPTY: usize = usize::MAX;

impl<const SLOTS: usize> Names<SLOTS> {
    /// Inserts the names of a metric. Returns a metric that was inserted before and collides with it.
    const fn insert(&mut self, all: &[Descriptor], new: Owned) -> Option<(Owned, Conflict)> {
        let descriptor = &all[new.metric];
        let series = labels_hash(descriptor.labels, hash(KEY, descriptor.name.as_bytes()));
        let mut first = self.insert_name(all, new, series, false);
        if continues_family(all, new.metric) {
            return first;
        }
        let family = ExpositionName::of(descriptor);
        let mut hash_of_family = SAMPLE;
        let mut i = 0;
        while i < family.pieces.len() {
            hash_of_family = hash(hash_of_family, family.pieces[i]);
            i += 1;
        }
        let suffixes = descriptor.kind.sample_suffixes();
        let mut i = 0;
        while i < suffixes.len() {
            let sample = hash(hash_of_family, suffixes[i].as_bytes());
            let found = self.insert_name(all, new, sample, true);
            if first.is_none() {
                first = found;
            }
            i += 1;
        }
        first
    }

    /// Inserts a name of that hash, unless it is known. Returns the metric that it collides with.
    const fn insert_name(
        &mut self,
        all: &[Descriptor],
        new: Owned,
        hash: u64,
        is_sample: bool,
    ) -> Option<(Owned, Conflict)> {
        let mut at = low_bits(hash) % SLOTS;
        loop {
            let Slot { hash: known, metric: first } = self.slots[at];
            if first.metric == EMPTY {
                self.slots[at] = Slot { hash, metric: new };
                return None;
            }
            // A metric has several names, so it may meet itself.
            if known == hash && first.metric != new.metric {
                let (a, b) = (&all[first.metric], &all[new.metric]);
                if let Some(conflict) = naming::conflict(a, b) {
                    return Some((first, conflict));
                }
                // Another series of the same family: the family stays known by its first one.
                if is_sample && naming::same_family(a, b) {
                    return None;
                }
            }
            at = (at + 1) % SLOTS;
        }
    }
}

// Keys of snapshots and names of samples may be equal without a collision, so their hashes begin differently.
const KEY: u64 = 1;
const SAMPLE: u64 = 2;

/// Continues a hash. It has 32 bits, so that no step overflows.
const fn hash(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut i = 0;
    while i < bytes.len() {
        #[allow(clippy::cast_lossless)] // `from` is not const
        let byte = bytes[i] as u64;
        hash = (hash * 0x0100_0193 + byte + 1) & 0xffff_ffff;
        i += 1;
    }
    hash
}

/// The same labels in another order have the same hash.
const fn labels_hash(labels: &[(&str, &str)], mut series: u64) -> u64 {
    let mut i = 0;
    while i < labels.len() {
        // Between the parts a byte that is in no name.
        let label = hash(hash(KEY, labels[i].0.as_bytes()), b"=");
        series = (series + hash(label, labels[i].1.as_bytes())) & 0xffff_ffff;
        i += 1;
    }
    series
}

#[allow(clippy::cast_possible_truncation)] // on purpose
const fn low_bits(hash: u64) -> usize {
    hash as usize
}

#[track_caller]
const fn refuse(
    (first, first_owner): (&Descriptor, Owner),
    (second, second_owner): (&Descriptor, Owner),
    conflict: Conflict,
    flattened: &[Flattened],
) {
    let mut message = Message::new();
    let is_own = matches!((first_owner, second_owner), (Owner::Own(_), Owner::Own(_)));
    match conflict {
        Conflict::LabelNames => {
            message.push("all metrics named `").push(second.name);
            message.push("` must have labels of the same names: one has ").push_label_names(first);
            message.push(" and another ").push_label_names(second);
            message.push("; give them the same `labels`, or rename one of them");
        }
        Conflict::Samples if is_own => {
            message.push("`").push(first.name).push("` and `").push(second.name);
            message.push("` would be exported under one name; rename one of them");
        }
        Conflict::Samples => {
            message.push("two metrics would be exported under one name: `").push(first.name);
            message.push("` ").push_owner(flattened, first_owner).push(", and `");
            message.push(second.name).push("` ").push_owner(flattened, second_owner);
            message.push("; give the flattened field another `prefix`, or rename one of them");
        }
        Conflict::Series => {
            message.push("two metrics are named `").push_series(second).push("`: one ");
            message.push_owner(flattened, first_owner).push(", and one ");
            message.push_owner(flattened, second_owner).push("; ");
            message.push(if is_own {
                ""
            } else {
                "give the flattened field another `prefix`, or "
            });
            message.push("rename one of them");
        }
    }
    panic!("{}", message.as_str());
}

/// Text composed at compile time; what does not fit is left out.
struct Message {
    text: [u8; 1024],
    len: usize,
}

impl Message {
    const fn new() -> Self {
        Self { text: [0; 1024], len: 0 }
    }

    const fn push(&mut self, piece: &str) -> &mut Self {
        if self.len + piece.len() <= self.text.len() {
            self.len = write(&mut self.text, self.len, piece.as_bytes());
        }
        self
    }

    const fn push_owner(&mut self, flattened: &[Flattened], owner: Owner) -> &mut Self {
        match owner {
            Owner::Own(_) => self.push("of the struct itself"),
            Owner::Flattened(field) => {
                self.push("of the flattened field `").push(flattened[field].field).push("`")
            }
        }
    }

    const fn push_series(&mut self, metric: &Descriptor) -> &mut Self {
        match metric.key {
            Some(key) => self.push(key),
            None => self.push(metric.name),
        }
    }

    const fn push_label_names(&mut self, metric: &Descriptor) -> &mut Self {
        if metric.labels.is_empty() {
            return self.push("no labels");
        }
        let mut i = 0;
        while i < metric.labels.len() {
            self.push(if i == 0 { "`" } else { "`, `" }).push(metric.labels[i].0);
            i += 1;
        }
        self.push("`")
    }

    const fn as_str(&self) -> &str {
        super::flatten::utf8(self.text.split_at(self.len).0)
    }
}
