//! Composes the descriptors of a struct with those of the structs flattened into it, at compile time.

use core::{marker::PhantomData, str};

use super::table::DescriptorTable;
use crate::{Descriptor, Kind};

/// The metrics of one flattened field, and their position.
pub struct Flattened {
    /// The number of the struct's own metrics before the field.
    pub at: usize,
    /// The field's name, for error messages.
    pub field: &'static str,
    /// The prefix of each name.
    pub prefix: &'static str,
    /// The metrics of the field's type.
    pub metrics: &'static [Descriptor],
}

/// Returns the number of all metrics.
pub const fn len<M: DescriptorTable + ?Sized>() -> usize {
    let mut len = M::OWN.len();
    let mut i = 0;
    while i < M::FLATTENED.len() {
        len += M::FLATTENED[i].metrics.len();
        i += 1;
    }
    len
}

/// Returns the length of all names that get a prefix.
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

/// Writes the names that get a prefix, one after the other.
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

pub(super) const fn write(text: &mut [u8], at: usize, piece: &[u8]) -> usize {
    let mut i = 0;
    while i < piece.len() {
        text[at + i] = piece[i];
        i += 1;
    }
    at + piece.len()
}

/// Returns all metrics in declaration order, with the names that [`names`] has written.
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
                    metrics[at].key = Some(metrics[at].name);
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

pub(super) const fn utf8(bytes: &[u8]) -> &str {
    match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("names are ASCII"),
    }
}

/// The metrics of `M` in arrays of their length. Only for a struct that is not generic, whose length can be a constant
/// argument.
pub struct Exact<M: ?Sized, const LEN: usize, const NAMES_LEN: usize>(PhantomData<M>);

impl<M: DescriptorTable + ?Sized, const LEN: usize, const NAMES_LEN: usize>
    Exact<M, LEN, NAMES_LEN>
{
    const NAMES: &'static [u8] = &names::<NAMES_LEN>(M::FLATTENED);
    /// All metrics of `M`.
    pub const METRICS: &'static [Descriptor] =
        &descriptors::<LEN>(M::OWN, M::FLATTENED, Self::NAMES);
}

/// Returns the items at the smallest size that fits.
macro_rules! first_fit {
    ($what:ident, $($size:literal)*, $too_many:literal) => {
        $(if let Some(items) = &SizeClass::<M, $size>::$what { items.as_slice() } else)*
        { panic!($too_many) }
    };
}

/// The metrics of a generic `M`, whose number cannot be the length of an array: in one of a power of two.
pub struct SizeClasses<M: ?Sized>(PhantomData<M>);

impl<M: DescriptorTable + ?Sized> SizeClasses<M> {
    const NAMES: &'static [u8] = first_fit!(NAMES,
        8 16 32 64 128 256 512 1024 2048 4096 8192 16384 32768 65536 131_072 262_144,
        "the names that are flattened into a generic struct take over 262,144 bytes");
    /// All metrics of `M`.
    pub const METRICS: &'static [Descriptor] = first_fit!(METRICS,
        8 16 32 64 128 256 512 1024 2048 4096 8192,
        "a generic struct with flattened fields has over 8,192 metrics")
    .split_at(len::<M>())
    .0;
}

/// `Some` only at the smallest size that fits. The others are evaluated but never reach the binary.
struct SizeClass<M: ?Sized, const LEN: usize>(PhantomData<M>);

impl<M: DescriptorTable + ?Sized, const LEN: usize> SizeClass<M, LEN> {
    const NAMES: Option<[u8; LEN]> =
        if Self::fits(names_len::<M>()) { Some(names(M::FLATTENED)) } else { None };
    const METRICS: Option<[Descriptor; LEN]> = if Self::fits(len::<M>()) {
        Some(descriptors(M::OWN, M::FLATTENED, SizeClasses::<M>::NAMES))
    } else {
        None
    };

    const fn fits(len: usize) -> bool {
        len <= LEN && (len > LEN / 2 || LEN == 8)
    }
}
