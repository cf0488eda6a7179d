//! Composes the descriptors of all series of a struct at compile time. The steps are as many as the bytes of all keys, and
//! little is left to do for each member of a family, because the compiler interprets each step.

use super::declarations::{DeclaredMetrics, Labels, OuterLabels};
use super::text::{utf8, utf8_before_zeros, write, write_at};
use crate::label::value_at;
use crate::{Descriptor, LabelValues};

/// The number of series, and the sizes of what is written for them.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub series: usize,
    /// The number of keys that are not those of a descriptor, and the length of the longest of these.
    pub keys: usize,
    pub key_len: usize,
    pub joined_labels: usize,
}

/// Measures all series of a struct.
pub(super) const fn sizes(mut all: DeclaredMetrics) -> Sizes {
    let mut sizes = Sizes { series: 0, keys: 0, key_len: 0, joined_labels: 0 };
    while all.advance() {
        let members = all.members();
        sizes.series += members;
        if all.has_other_keys() {
            sizes.keys += members;
            let key_len = all.key_len();
            if key_len > sizes.key_len {
                sizes.key_len = key_len;
            }
        }
    }
    sizes.joined_labels = all.joined_len();
    sizes
}

impl DeclaredMetrics {
    /// The number of labels of each series of the current metric.
    pub(super) const fn labels_len(&self) -> usize {
        self.outer_labels().len() + self.metric.labels.own.len() + self.family.len()
    }

    /// Whether the keys of the current metric are not that of its descriptor.
    const fn has_other_keys(&self) -> bool {
        self.prefix_len() > 0 || self.labels_len() > 0
    }

    /// The length of the longest key of the current metric.
    const fn key_len(&self) -> usize {
        let mut len = self.prefix_len() + self.metric.name.len();
        if self.labels_len() == 0 {
            return len;
        }
        let mut level = 1;
        while let Some((_, labels)) = self.outer(level) {
            len += pairs_len(labels);
            level += 1;
        }
        len += pairs_len(self.metric.labels.own);
        let mut i = 0;
        while i < self.family.len() {
            len += self.family[i].name().len() + longest(self.family[i].values()) + 2;
            i += 1;
        }
        len + 1
    }

    /// Writes what all keys of the current metric begin with. Returns the length.
    const fn write_head(&self, out: &mut [u8]) -> usize {
        let len = out.len();
        let mut out = out;
        let mut level = 1;
        while let Some((prefix, _)) = self.outer(level) {
            out = write(out, prefix.as_bytes());
            level += 1;
        }
        out = write(out, self.metric.name.as_bytes());
        if self.labels_len() > 0 {
            let mut separator: &[u8] = b"{";
            let mut level = 1;
            while let Some((_, labels)) = self.outer(level) {
                (out, separator) = write_pairs(out, separator, labels);
                level += 1;
            }
            (out, separator) = write_pairs(out, separator, self.metric.labels.own);
            if let [label, ..] = self.family {
                out = write(out, separator);
                out = write(out, label.name().as_bytes());
                out = write(out, b"=");
            } else {
                out = write(out, b"}");
            }
        }
        len - out.len()
    }
}

/// The length of labels in a key: a brace or comma before each name, and the equals sign.
const fn pairs_len(mut labels: Labels) -> usize {
    let mut len = 0;
    while let [(name, value), rest @ ..] = labels {
        len += name.len() + value.len() + 2;
        labels = rest;
    }
    len
}

const fn longest(mut values: &[&str]) -> usize {
    let mut longest = 0;
    while let [value, rest @ ..] = values {
        if value.len() > longest {
            longest = value.len();
        }
        values = rest;
    }
    longest
}

/// Writes labels as they are in a key. Returns the rest of `out`, and what separates further labels.
const fn write_pairs<'a>(
    mut out: &'a mut [u8],
    mut separator: &'static [u8],
    mut labels: Labels,
) -> (&'a mut [u8], &'static [u8]) {
    while let [(name, value), rest @ ..] = labels {
        out = write(out, separator);
        out = write(out, name.as_bytes());
        out = write(out, b"=");
        out = write(out, value.as_bytes());
        separator = b",";
        labels = rest;
    }
    (out, separator)
}

/// Writes the values of the labels before the last one, and the names of the labels after the first one. Returns the position
/// after them.
const fn write_outer_values(
    out: &mut [u8],
    mut at: usize,
    family: &[LabelValues],
    member: usize,
) -> usize {
    let mut i = 1;
    while i < family.len() {
        at = write_at(out, at, value_at(family, i - 1, member).as_bytes());
        at = write_at(out, at, b",");
        at = write_at(out, at, family[i].name().as_bytes());
        at = write_at(out, at, b"=");
        i += 1;
    }
    at
}

/// Writes the keys that are not those of one descriptor, one in each row.
pub(super) const fn keys<const LEN: usize, const KEY_LEN: usize>(
    mut all: DeclaredMetrics,
) -> [[u8; KEY_LEN]; LEN] {
    let mut keys = [[0; KEY_LEN]; LEN];
    let mut next = 0;
    while all.advance() {
        if !all.has_other_keys() {
            continue;
        }
        let mut head = [0; KEY_LEN];
        let head_len = all.write_head(&mut head);
        let [.., last] = all.family else {
            keys[next] = head;
            next += 1;
            continue;
        };
        let members = all.members();
        let mut member = 0;
        while member < members {
            let mut outer = head;
            let outer_len = write_outer_values(&mut outer, head_len, all.family, member);
            let mut values = last.values();
            while let [value, rest @ ..] = values {
                let mut key = outer;
                let len = write_at(&mut key, outer_len, value.as_bytes());
                key[len] = b'}';
                keys[next] = key;
                next += 1;
                member += 1;
                values = rest;
            }
        }
    }
    keys
}

/// Writes the labels of metrics to whose labels several flattened fields add.
pub(super) const fn joined_labels<const LEN: usize>(
    mut all: DeclaredMetrics,
) -> [(&'static str, &'static str); LEN] {
    let mut joined = [("", ""); LEN];
    while all.advance() {
        let OuterLabels::Joined { mut at, .. } = all.outer_labels() else { continue };
        let mut level = 1;
        while let Some((_, mut labels)) = all.outer(level) {
            while let [label, rest @ ..] = labels {
                joined[at] = *label;
                at += 1;
                labels = rest;
            }
            level += 1;
        }
    }
    joined
}

/// Returns the descriptors of all series, with the labels and keys that were written for them.
pub(super) const fn descriptors<const LEN: usize, const KEY_LEN: usize>(
    mut all: DeclaredMetrics,
    joined_labels: Labels,
    keys: &[&'static [[u8; KEY_LEN]]],
) -> [Descriptor; LEN] {
    let mut metrics = [const { Descriptor::gauge("unused") }; LEN];
    let (mut next, mut next_key) = (0, 0);
    while all.advance() {
        let mut metric = Descriptor { ..*all.metric };
        metric.labels.outer = match all.outer_labels() {
            OuterLabels::One(labels) => labels,
            OuterLabels::Joined { at, len } => joined_labels.split_at(at).1.split_at(len).0,
        };
        metric.labels.family = all.family;
        metric.prefix_len += all.prefix_len();
        if !all.has_other_keys() {
            metrics[next] = metric;
            next += 1;
            continue;
        }
        if all.prefix_len() > 0 {
            let name_len = all.prefix_len() + metric.name.len();
            metric.name = utf8(key(keys, next_key).split_at(name_len).0);
        }
        let members = all.members();
        while metric.labels.member < members {
            metric.key = Some(utf8_before_zeros(key(keys, next_key)));
            metrics[next] = Descriptor { ..metric };
            (next, next_key) = (next + 1, next_key + 1);
            metric.labels.member += 1;
        }
    }
    metrics
}

/// The key at a position in lists of one length.
const fn key<const KEY_LEN: usize>(
    lists: &[&'static [[u8; KEY_LEN]]],
    position: usize,
) -> &'static [u8] {
    let len = lists[0].len();
    &lists[position / len][position % len]
}
