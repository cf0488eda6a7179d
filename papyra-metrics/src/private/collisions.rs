//! Finds metrics that cannot be told apart, at compile time, in a number of steps that is linear in the number of
//! metrics: names are compared as text only if their hashes are equal.

use core::marker::PhantomData;

use super::flatten::{Flattened, write};
use super::table::DescriptorTable;
use crate::Descriptor;
use crate::naming::{self, ExpositionName};

/// Refuses metrics of the flattened field `index` that collide with metrics of the struct itself or of an earlier
/// flattened field.
#[track_caller]
pub const fn assert_flattens<M: DescriptorTable + ?Sized>(index: usize) {
    let collisions = &Check::<M>::COLLISIONS;
    let mut i = 0;
    while i < collisions.len {
        let Collision { first, second } = collisions.found[i];
        if second.owner == index {
            refuse(
                &M::COMPOSED[first.metric],
                first.owner,
                &M::COMPOSED[second.metric],
                index,
                M::FLATTENED,
            );
        }
        i += 1;
    }
}

/// Refuses two metrics of one struct that would be exported under one name.
#[track_caller]
pub const fn assert_distinct(a: &Descriptor, b: &Descriptor) {
    if naming::collide(a, b) {
        let mut message = Message::new();
        message.push("`").push(a.name).push("` and `").push(b.name);
        message.push("` would be exported under one name; rename one of them");
        panic!("{}", message.as_str());
    }
}

/// The collisions of a struct, found once and reported at each flattened field.
struct Check<M: ?Sized>(PhantomData<M>);

impl<M: DescriptorTable + ?Sized> Check<M> {
    const COLLISIONS: Collisions = find(M::COMPOSED, M::FLATTENED);
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
}

/// A metric, and the index of the flattened field that it comes from.
#[derive(Clone, Copy)]
struct Owned {
    metric: usize,
    owner: usize,
}

/// The owner of the struct's own metrics.
const STRUCT: usize = usize::MAX;

impl Collisions {
    const MAX: usize = 16;

    const fn new() -> Self {
        let none = Owned { metric: 0, owner: STRUCT };
        Self { found: [Collision { first: none, second: none }; Self::MAX], len: 0 }
    }

    const fn push(&mut self, first: Owned, second: Owned) {
        let is_reported = self.len > 0 && self.found[self.len - 1].second.owner == second.owner;
        if self.len < Self::MAX && !is_reported {
            self.found[self.len] = Collision { first, second };
            self.len += 1;
        }
    }
}

/// Finds the collisions of the metrics of a struct. Its own metrics are not compared with each other: the derive has
/// done that.
const fn find(all: &[Descriptor], flattened: &[Flattened]) -> Collisions {
    let mut names = 0;
    let mut i = 0;
    while i < all.len() {
        names += 1 + all[i].kind.sample_suffixes().len();
        i += 1;
    }
    // Half of the slots stay empty, so that a search ends soon.
    let slots = 2 * names;
    if slots <= 1 << 8 {
        find_with::<{ 1 << 8 }>(all, flattened)
    } else if slots <= 1 << 11 {
        find_with::<{ 1 << 11 }>(all, flattened)
    } else if slots <= 1 << 14 {
        find_with::<{ 1 << 14 }>(all, flattened)
    } else if slots <= 1 << 17 {
        find_with::<{ 1 << 17 }>(all, flattened)
    } else if slots <= 1 << 20 {
        find_with::<{ 1 << 20 }>(all, flattened)
    } else {
        panic!("a struct with flattened fields has too many metrics")
    }
}

const fn find_with<const SLOTS: usize>(all: &[Descriptor], flattened: &[Flattened]) -> Collisions {
    let mut names = Names::<SLOTS> { slots: [Slot { hash: 0, metric: EMPTY, owner: 0 }; SLOTS] };
    let mut found = Collisions::new();
    // The struct's own metrics first: whichever is declared first, the flattened field is at fault.
    let mut metric = 0;
    let mut field = 0;
    let mut own = 0;
    while field <= flattened.len() {
        let until = if field < flattened.len() { flattened[field].at } else { usize::MAX };
        while own < until && metric < all.len() {
            names.insert(all, Owned { metric, owner: STRUCT });
            metric += 1;
            own += 1;
        }
        if field < flattened.len() {
            metric += flattened[field].metrics.len();
        }
        field += 1;
    }
    let mut start = 0;
    let mut field = 0;
    while field < flattened.len() {
        let Flattened { at, metrics, .. } = &flattened[field];
        let mut i = 0;
        while i < metrics.len() {
            let second = Owned { metric: *at + start + i, owner: field };
            if let Some(first) = names.insert(all, second) {
                found.push(first, second);
            }
            i += 1;
        }
        start += metrics.len();
        field += 1;
    }
    found
}

/// The names seen so far: an open-addressed table.
struct Names<const SLOTS: usize> {
    slots: [Slot; SLOTS],
}

#[derive(Clone, Copy)]
struct Slot {
    hash: u64,
    metric: usize,
    owner: usize,
}

const EMPTY: usize = usize::MAX;

impl<const SLOTS: usize> Names<SLOTS> {
    /// Inserts the names of a metric. Returns a metric that was inserted before and collides with it.
    const fn insert(&mut self, all: &[Descriptor], new: Owned) -> Option<Owned> {
        let descriptor = &all[new.metric];
        let series = labels_hash(descriptor.labels, hash(KEY, descriptor.name.as_bytes()));
        let mut first = self.insert_name(all, new, series);
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
            let found = self.insert_name(all, new, hash(hash_of_family, suffixes[i].as_bytes()));
            if first.is_none() {
                first = found;
            }
            i += 1;
        }
        first
    }

    /// Inserts a name of that hash, unless it is known. Returns the metric that it collides with.
    const fn insert_name(&mut self, all: &[Descriptor], new: Owned, hash: u64) -> Option<Owned> {
        let mut at = low_bits(hash) % SLOTS;
        loop {
            let Slot { hash: known, metric, owner } = self.slots[at];
            if metric == EMPTY {
                self.slots[at] = Slot { hash, metric: new.metric, owner: new.owner };
                return None;
            }
            // A metric has several names, so it may meet itself.
            if known == hash && metric != new.metric {
                let is_exempt = owner == STRUCT && new.owner == STRUCT;
                if !is_exempt && naming::collide(&all[metric], &all[new.metric]) {
                    return Some(Owned { metric, owner });
                }
                // Another series of the same family: the family stays known by its first one.
                if naming::same_family(&all[metric], &all[new.metric]) {
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

const fn labels_hash(labels: &[(&str, &str)], mut series: u64) -> u64 {
    let mut i = 0;
    while i < labels.len() {
        // Between the parts a byte that is in no name.
        series = hash(hash(series, b"{"), labels[i].0.as_bytes());
        series = hash(hash(series, b"="), labels[i].1.as_bytes());
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
    first: &Descriptor,
    first_owner: usize,
    second: &Descriptor,
    second_owner: usize,
    flattened: &[Flattened],
) {
    let mut message = Message::new();
    if naming::equal(first.name.as_bytes(), second.name.as_bytes()) {
        message.push("two metrics are named `").push(first.name).push("`: one ");
        message.push_owner(flattened, first_owner).push(", and one ");
    } else {
        message.push("two metrics would be exported under one name: `").push(first.name).push("` ");
        message.push_owner(flattened, first_owner).push(", and `").push(second.name).push("` ");
    }
    message.push_owner(flattened, second_owner);
    message.push("; give the flattened field another `prefix`, or rename one of them");
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

    const fn push_owner(&mut self, flattened: &[Flattened], owner: usize) -> &mut Self {
        if owner == STRUCT {
            self.push("of the struct itself")
        } else {
            self.push("of the flattened field `").push(flattened[owner].field).push("`")
        }
    }

    const fn as_str(&self) -> &str {
        super::flatten::utf8(self.text.split_at(self.len).0)
    }
}
