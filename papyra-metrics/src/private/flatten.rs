//! Composes the descriptors of a struct at compile time: those of its own metrics, with a series for each member of a
//! family, and those of the structs flattened into it. The steps are as many as the bytes of all series.

use core::{marker::PhantomData, str};

use super::flattened::{Flattened, Labels};
use super::table::DescriptorTable;
use crate::label::{LabelValues, value_at};
use crate::{Descriptor, Kind};

/// One series of the struct that is composed.
pub(super) struct Composed {
    /// The descriptor that it is made of.
    pub(super) from: &'static Descriptor,
    prefix: &'static str,
    /// The labels before those of the descriptor.
    outer: Labels,
    /// The labels after those of the descriptor, as the member of a family.
    family: &'static [LabelValues],
    member: usize,
    /// The index of the struct's own metric or of the flattened field.
    pub(super) owner: Owner,
}

/// Where a series comes from.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Owner {
    /// A metric of the struct itself, by its index.
    Own(usize),
    /// A flattened field, by its index.
    Flattened(usize),
}

impl Composed {
    const fn has_more_labels(&self) -> bool {
        self.outer.len() + self.family.len() > 0
    }

    /// The number of labels to write down, if they are not those of the descriptor.
    const fn labels_len(&self) -> usize {
        let len = self.outer.len() + self.from.labels.len() + self.family.len();
        if self.has_more_labels() { len } else { 0 }
    }

    const fn label(&self, mut i: usize) -> (&'static str, &'static str) {
        if i < self.outer.len() {
            return self.outer[i];
        }
        i -= self.outer.len();
        if i < self.from.labels.len() {
            return self.from.labels[i];
        }
        i -= self.from.labels.len();
        (self.family[i].name(), value_at(self.family, i, self.member))
    }

    /// The length of the key to write down, if it is not that of the descriptor.
    const fn key_len(&self) -> usize {
        if self.prefix.is_empty() && !self.has_more_labels() && self.from.key.is_some() {
            return 0;
        }
        let mut len = self.prefix.len() + self.from.name.len();
        let labels = self.outer.len() + self.from.labels.len() + self.family.len();
        let mut i = 0;
        while i < labels {
            let (name, value) = self.label(i);
            // A brace or comma before the name, and the equals sign.
            len += name.len() + value.len() + 2;
            i += 1;
        }
        if labels > 0 { len + 1 } else { len }
    }
}

/// Goes through all series of a struct, in declaration order.
pub(super) struct Series {
    own: &'static [Descriptor],
    families: &'static [&'static [LabelValues]],
    flattened: &'static [Flattened],
    next_own: usize,
    next_flattened: usize,
    /// The next member of the own metric, or metric of the flattened field.
    next: usize,
}

impl Series {
    pub(super) const fn of<M: DescriptorTable + ?Sized>() -> Self {
        Self {
            own: M::OWN,
            families: M::FAMILIES,
            flattened: M::FLATTENED,
            next_own: 0,
            next_flattened: 0,
            next: 0,
        }
    }

    pub(super) const fn next(&mut self) -> Option<Composed> {
        loop {
            let field = self.next_flattened;
            let is_flattened =
                field < self.flattened.len() && self.flattened[field].at == self.next_own;
            if is_flattened {
                let Flattened { prefix, labels, metrics, .. } = &self.flattened[field];
                if self.next == metrics.len() {
                    self.next_flattened += 1;
                    self.next = 0;
                    continue;
                }
                let from = &metrics[self.next];
                self.next += 1;
                let owner = Owner::Flattened(field);
                return Some(Composed {
                    from,
                    prefix,
                    outer: labels,
                    family: &[],
                    member: 0,
                    owner,
                });
            }
            let own = self.next_own;
            if own == self.own.len() {
                return None;
            }
            let family: &[LabelValues] =
                if own < self.families.len() { self.families[own] } else { &[] };
            let member = self.next;
            if member + 1 < members(family) {
                self.next += 1;
            } else {
                self.next = 0;
                self.next_own += 1;
            }
            let (from, owner) = (&self.own[own], Owner::Own(own));
            return Some(Composed { from, prefix: "", outer: &[], family, member, owner });
        }
    }
}

/// The number of series of a metric with these labels.
const fn members(family: &[LabelValues]) -> usize {
    let mut members = 1;
    let mut i = 0;
    while i < family.len() {
        members *= family[i].values().len();
        i += 1;
    }
    members
}

/// Returns the number of all series.
pub const fn len<M: DescriptorTable + ?Sized>() -> usize {
    let mut len = 0;
    let mut i = 0;
    while i < M::OWN.len() {
        len += if i < M::FAMILIES.len() { members(M::FAMILIES[i]) } else { 1 };
        i += 1;
    }
    let mut i = 0;
    while i < M::FLATTENED.len() {
        len += M::FLATTENED[i].metrics.len();
        i += 1;
    }
    len
}

/// Returns the length of all keys that have to be written.
pub const fn keys_len<M: DescriptorTable + ?Sized>() -> usize {
    let mut len = 0;
    let mut all = Series::of::<M>();
    while let Some(series) = all.next() {
        len += series.key_len();
    }
    len
}

/// Returns the number of all labels that have to be written.
pub const fn labels_len<M: DescriptorTable + ?Sized>() -> usize {
    let mut len = 0;
    let mut all = Series::of::<M>();
    while let Some(series) = all.next() {
        len += series.labels_len();
    }
    len
}

/// Writes the labels of all series whose labels are not those of one descriptor.
const fn labels<M: DescriptorTable + ?Sized, const LEN: usize>()
-> [(&'static str, &'static str); LEN] {
    let mut labels = [("", ""); LEN];
    let mut at = 0;
    let mut all = Series::of::<M>();
    while let Some(series) = all.next() {
        let len = series.labels_len();
        let mut i = 0;
        while i < len {
            labels[at] = series.label(i);
            at += 1;
            i += 1;
        }
    }
    labels
}

/// Writes the keys that are not those of one descriptor, one after the other.
const fn keys<M: DescriptorTable + ?Sized, const LEN: usize>() -> [u8; LEN] {
    let mut keys = [0; LEN];
    let mut at = 0;
    let mut all = Series::of::<M>();
    while let Some(series) = all.next() {
        if series.key_len() == 0 {
            continue;
        }
        at = write(&mut keys, at, series.prefix.as_bytes());
        at = write(&mut keys, at, series.from.name.as_bytes());
        let labels = series.outer.len() + series.from.labels.len() + series.family.len();
        let mut i = 0;
        while i < labels {
            let (name, value) = series.label(i);
            at = write(&mut keys, at, if i == 0 { b"{" } else { b"," });
            at = write(&mut keys, at, name.as_bytes());
            at = write(&mut keys, at, b"=");
            at = write(&mut keys, at, value.as_bytes());
            i += 1;
        }
        if labels > 0 {
            at = write(&mut keys, at, b"}");
        }
    }
    keys
}

pub(super) const fn write(text: &mut [u8], at: usize, piece: &[u8]) -> usize {
    let mut i = 0;
    while i < piece.len() {
        text[at + i] = piece[i];
        i += 1;
    }
    at + piece.len()
}

/// Returns the descriptors of all series, with the labels and keys that were written for them.
const fn descriptors<M: DescriptorTable + ?Sized, const LEN: usize>(
    mut labels: Labels,
    mut keys: &'static [u8],
) -> [Descriptor; LEN] {
    let mut metrics = [const { UNUSED }; LEN];
    let mut at = 0;
    let mut all = Series::of::<M>();
    while let Some(series) = all.next() {
        let mut metric = series.from.copy();
        let name_len = series.prefix.len() + metric.name.len();
        metric.prefix_len += series.prefix.len();
        if series.has_more_labels() {
            (metric.labels, labels) = labels.split_at(series.labels_len());
        }
        let key_len = series.key_len();
        if key_len > 0 {
            let (key, rest) = keys.split_at(key_len);
            if !series.prefix.is_empty() {
                metric.name = utf8(key.split_at(name_len).0);
            }
            metric.key = Some(utf8(key));
            keys = rest;
        }
        metrics[at] = metric;
        at += 1;
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
pub struct Exact<M: ?Sized, const LEN: usize, const KEYS_LEN: usize, const LABELS_LEN: usize>(
    PhantomData<M>,
);

impl<M: DescriptorTable + ?Sized, const LEN: usize, const KEYS_LEN: usize, const LABELS_LEN: usize>
    Exact<M, LEN, KEYS_LEN, LABELS_LEN>
{
    const LABELS: Labels = &labels::<M, LABELS_LEN>();
    const KEYS: &'static [u8] = &keys::<M, KEYS_LEN>();
    /// All metrics of `M`.
    pub const METRICS: &'static [Descriptor] = &descriptors::<M, LEN>(Self::LABELS, Self::KEYS);
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
    // Counted once, and not for each size.
    const LEN: usize = len::<M>();
    const KEYS_LEN: usize = keys_len::<M>();
    const LABELS_LEN: usize = labels_len::<M>();
    const LABELS: Labels = first_fit!(LABELS,
        8 16 32 64 128 256 512 1024 2048 4096 8192 16384 32768,
        "the metrics of a generic struct have over 32,768 labels");
    const KEYS: &'static [u8] = first_fit!(KEYS,
        8 16 32 64 128 256 512 1024 2048 4096 8192 16384 32768 65536 131_072 262_144,
        "the keys of the metrics of a generic struct take over 262,144 bytes");
    /// All metrics of `M`.
    pub const METRICS: &'static [Descriptor] = first_fit!(METRICS,
        8 16 32 64 128 256 512 1024 2048 4096 8192,
        "a generic struct with flattened fields or families has over 8,192 metrics")
    .split_at(Self::LEN)
    .0;
}

/// `Some` only at the smallest size that fits. The others are evaluated but never reach the binary.
struct SizeClass<M: ?Sized, const LEN: usize>(PhantomData<M>);

impl<M: DescriptorTable + ?Sized, const LEN: usize> SizeClass<M, LEN> {
    const LABELS: Option<[(&'static str, &'static str); LEN]> =
        if Self::fits(SizeClasses::<M>::LABELS_LEN) { Some(labels::<M, LEN>()) } else { None };
    const KEYS: Option<[u8; LEN]> =
        if Self::fits(SizeClasses::<M>::KEYS_LEN) { Some(keys::<M, LEN>()) } else { None };
    const METRICS: Option<[Descriptor; LEN]> = if Self::fits(SizeClasses::<M>::LEN) {
        Some(descriptors::<M, LEN>(SizeClasses::<M>::LABELS, SizeClasses::<M>::KEYS))
    } else {
        None
    };

    const fn fits(len: usize) -> bool {
        len <= LEN && (len > LEN / 2 || LEN == 8)
    }
}
