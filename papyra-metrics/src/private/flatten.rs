//! Composes the descriptors of a struct with those of the structs flattened into it, at compile time, and
//! refuses two metrics that cannot be told apart.

use core::{marker::PhantomData, str};

use super::table::DescriptorTable;
use crate::{Descriptor, Kind, exposition};

/// The metrics of one flattened field, and where they go.
pub struct Flattened {
    /// How many of the struct's own metrics stand before the field.
    pub at: usize,
    /// The field's name, for messages.
    pub field: &'static str,
    /// What is put before each name.
    pub prefix: &'static str,
    /// The metrics of the field's type.
    pub metrics: &'static [Descriptor],
}

/// How many metrics there are in all.
pub const fn len<M: DescriptorTable + ?Sized>() -> usize {
    let mut len = M::OWN.len();
    let mut i = 0;
    while i < M::FLATTENED.len() {
        len += M::FLATTENED[i].metrics.len();
        i += 1;
    }
    len
}

/// How many bytes the names take that have to be written anew, for their prefix.
pub const fn names_len<M: DescriptorTable + ?Sized>() -> usize {
    let mut len = 0;
    let mut i = 0;
    while i < M::FLATTENED.len() {
        let Flattened { prefix, metrics, .. } = &M::FLATTENED[i];
        let mut j = 0;
        while j < metrics.len() && !prefix.is_empty() {
            len += prefix.len() + metrics[j].name.len();
            j += 1;
        }
        i += 1;
    }
    len
}

/// Those names, one after the other.
const fn names<const LEN: usize>(flattened: &[Flattened]) -> [u8; LEN] {
    let mut names = [0; LEN];
    let mut at = 0;
    let mut i = 0;
    while i < flattened.len() {
        let Flattened { prefix, metrics, .. } = &flattened[i];
        let mut j = 0;
        while j < metrics.len() && !prefix.is_empty() {
            at = write(&mut names, at, prefix.as_bytes());
            at = write(&mut names, at, metrics[j].name.as_bytes());
            j += 1;
        }
        i += 1;
    }
    names
}

const fn write(text: &mut [u8], at: usize, piece: &[u8]) -> usize {
    let mut i = 0;
    while i < piece.len() {
        text[at + i] = piece[i];
        i += 1;
    }
    at + piece.len()
}

/// All metrics in declaration order, with the names that [`names`] has written.
const fn descriptors<const LEN: usize>(
    own: &[Descriptor],
    flattened: &[Flattened],
    mut names: &'static [u8],
) -> [Descriptor; LEN] {
    let mut metrics = [const { UNUSED }; LEN];
    let mut at = 0;
    let mut next = 0;
    let mut i = 0;
    while i <= flattened.len() {
        let before = if i < flattened.len() { flattened[i].at } else { own.len() };
        while next < before {
            metrics[at] = own[next].copy();
            at += 1;
            next += 1;
        }
        if i < flattened.len() {
            let Flattened { prefix, metrics: nested, .. } = &flattened[i];
            let mut j = 0;
            while j < nested.len() {
                metrics[at] = nested[j].copy();
                if !prefix.is_empty() {
                    let (name, rest) = names.split_at(prefix.len() + nested[j].name.len());
                    metrics[at].name = utf8(name);
                    metrics[at].prefix_len += prefix.len();
                    names = rest;
                }
                at += 1;
                j += 1;
            }
        }
        i += 1;
    }
    metrics
}

const UNUSED: Descriptor = Descriptor::new("unused", Kind::Gauge);

const fn utf8(bytes: &[u8]) -> &str {
    match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("names are ASCII"),
    }
}

/// The metrics of `M` in arrays of just their length, which only a struct that is not generic can tell.
pub struct Exact<M: ?Sized, const LEN: usize, const NAMES_LEN: usize>(PhantomData<M>);

impl<M: DescriptorTable + ?Sized, const LEN: usize, const NAMES_LEN: usize>
    Exact<M, LEN, NAMES_LEN>
{
    const NAMES: &'static [u8] = &names::<NAMES_LEN>(M::FLATTENED);
    /// All metrics of `M`.
    pub const METRICS: &'static [Descriptor] =
        &descriptors::<LEN>(M::OWN, M::FLATTENED, Self::NAMES);
}

macro_rules! climb {
    ($what:ident, $($rung:literal)*, $too_high:literal) => {
        $(if let Some(items) = &Rung::<M, $rung>::$what { items.as_slice() } else)*
        { panic!($too_high) }
    };
}
/// The metrics of a generic `M`, whose number cannot be the length of an array: in one of a power of two.
pub struct Ladder<M: ?Sized>(PhantomData<M>);

impl<M: DescriptorTable + ?Sized> Ladder<M> {
    const NAMES: &'static [u8] = climb!(NAMES,
        8 16 32 64 128 256 512 1024 2048 4096 8192 16384 32768 65536,
        "the names that are flattened into a generic struct take over 65,536 bytes");
    /// All metrics of `M`.
    pub const METRICS: &'static [Descriptor] = climb!(METRICS,
        8 16 32 64 128 256 512 1024 2048 4096,
        "a generic struct with flattened fields has over 4,096 metrics")
    .split_at(len::<M>())
    .0;
}

/// `None` on all rungs but the right one: all are evaluated, but only that one costs anything and reaches the
/// program.
struct Rung<M: ?Sized, const LEN: usize>(PhantomData<M>);

impl<M: DescriptorTable + ?Sized, const LEN: usize> Rung<M, LEN> {
    const NAMES: Option<[u8; LEN]> =
        if Self::holds(names_len::<M>()) { Some(names(M::FLATTENED)) } else { None };
    const METRICS: Option<[Descriptor; LEN]> = if Self::holds(len::<M>()) {
        Some(descriptors(M::OWN, M::FLATTENED, Ladder::<M>::NAMES))
    } else {
        None
    };

    const fn holds(len: usize) -> bool {
        len <= LEN && (len > LEN / 2 || LEN == 8)
    }
}

/// Refuses metrics of the flattened field `index` that cannot be told apart from the struct's own or from those
/// of an earlier field. `all` are the metrics of the whole struct.
#[track_caller]
pub const fn assert_flattens(all: &[Descriptor], flattened: &[Flattened], index: usize) {
    let (start, end) = range(flattened, index);
    let mut i = start;
    while i < end {
        let mut j = 0;
        while j < all.len() {
            let other = owner(flattened, j);
            if other < index || other == OWN {
                assert_apart(&all[j], other, &all[i], index, flattened);
            }
            j += 1;
        }
        i += 1;
    }
}

/// Where the metrics of a flattened field stand among all.
const fn range(flattened: &[Flattened], index: usize) -> (usize, usize) {
    let mut start = flattened[index].at;
    let mut i = 0;
    while i < index {
        start += flattened[i].metrics.len();
        i += 1;
    }
    (start, start + flattened[index].metrics.len())
}

/// The flattened field that brings the metric at this place, or [`OWN`].
const fn owner(flattened: &[Flattened], place: usize) -> usize {
    let mut i = 0;
    while i < flattened.len() {
        let (start, end) = range(flattened, i);
        if start <= place && place < end {
            return i;
        }
        i += 1;
    }
    OWN
}

const OWN: usize = usize::MAX;

#[track_caller]
const fn assert_apart(
    a: &Descriptor,
    a_owner: usize,
    b: &Descriptor,
    b_owner: usize,
    flattened: &[Flattened],
) {
    if !exposition::clash(a, b) {
        return;
    }
    let mut message = Message::new();
    if exposition::equal(a.name.as_bytes(), b.name.as_bytes()) {
        message.push("two metrics are named `").push(a.name).push("`: one ");
        message.push_owner(flattened, a_owner).push(", and one ");
    } else {
        message.push("two metrics would be exported under one name: `").push(a.name).push("` ");
        message.push_owner(flattened, a_owner).push(", and `").push(b.name).push("` ");
    }
    message.push_owner(flattened, b_owner);
    message.push("; give the flattened field another `prefix`, or rename one of them");
    panic!("{}", message.as_str());
}

/// Refuses two metrics of one struct that would be exported under one name.
#[track_caller]
pub const fn assert_distinct(a: &Descriptor, b: &Descriptor) {
    if exposition::clash(a, b) {
        let mut message = Message::new();
        message.push("`").push(a.name).push("` and `").push(b.name);
        message.push("` would be exported under one name; rename one of them");
        panic!("{}", message.as_str());
    }
}

/// Text put together at compile time; what does not fit is cut.
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
        if owner == OWN {
            self.push("of the struct itself")
        } else {
            self.push("of the flattened field `").push(flattened[owner].field).push("`")
        }
    }

    const fn as_str(&self) -> &str {
        utf8(self.text.split_at(self.len).0)
    }
}
