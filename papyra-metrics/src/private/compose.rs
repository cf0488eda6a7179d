//! Composes the descriptors of all series of a struct at compile time. The compiler interprets this code, which is slow. So
//! the number of steps is kept proportional to the number of bytes in all keys, plus a few steps for each member of a family.

use super::declarations::{DeclaredMetrics, Labels, OuterLabels};
use super::text::{Text, TextWriter};
use crate::label::value_at;
use crate::{Descriptor, LabelValues};

/// The number of series, and the lengths of the arrays for their generated keys and labels.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub series: usize,
    /// The number of generated keys. A key is generated if it differs from the key of the declared descriptor.
    pub keys: usize,
    /// The length of the longest generated key.
    pub key_len: usize,
    /// The number of labels in the `OuterLabels::Joined` of all flattened fields.
    pub joined_labels: usize,
}

/// Computes the sizes for all series of a struct.
pub(super) const fn sizes(mut all: DeclaredMetrics) -> Sizes {
    let mut sizes = Sizes { series: 0, keys: 0, key_len: 0, joined_labels: 0 };
    while all.advance() {
        sizes.series += all.members;
        if all.has_other_keys() {
            sizes.keys += all.members;
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
    /// Returns whether the keys of the current metric differ from the key of its declared descriptor, and have to be generated.
    const fn has_other_keys(&self) -> bool {
        self.prefix_len > 0 || self.has_labels
    }

    /// Returns the length of the longest key of the current metric.
    const fn key_len(&self) -> usize {
        let mut len = self.prefix_len + self.metric.name.len();
        if !self.has_labels {
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

    /// Writes the part that all keys of the current metric begin with: the name, the labels that do not depend on the member, and,
    /// if the metric is a family, the name of its first label.
    const fn key_start<const KEY_LEN: usize>(&self) -> TextWriter<KEY_LEN> {
        let mut key = TextWriter::new();
        let mut level = 1;
        while let Some((prefix, _)) = self.outer(level) {
            key = key.push(prefix);
            level += 1;
        }
        key = key.push(self.metric.name);
        if !self.has_labels {
            return key;
        }
        let mut separator = "{";
        let mut level = 1;
        while let Some((_, labels)) = self.outer(level) {
            (key, separator) = push_pairs(key, separator, labels);
            level += 1;
        }
        (key, separator) = push_pairs(key, separator, self.metric.labels.own);
        match self.family {
            [label, ..] => key.push(separator).push(label.name).push("="),
            [] => key.push("}"),
        }
    }
}

/// Returns the number of bytes that labels take in a key. Each label takes a brace or a comma, its name, an equals sign and its
/// value.
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

/// Appends labels to a key. Also returns the separator to write before the next label: a comma, or a brace if the key has no
/// labels yet.
const fn push_pairs<const KEY_LEN: usize>(
    mut key: TextWriter<KEY_LEN>,
    mut separator: &'static str,
    mut labels: Labels,
) -> (TextWriter<KEY_LEN>, &'static str) {
    while let [(name, value), rest @ ..] = labels {
        key = key.push(separator).push(name).push("=").push(value);
        separator = ",";
        labels = rest;
    }
    (key, separator)
}

/// Appends the family labels of a member to a key that already ends with the first label's name and an equals sign. Does not
/// append the value of the last label: consecutive members differ in it, so the caller appends it for each member.
const fn push_outer_values<const KEY_LEN: usize>(
    mut key: TextWriter<KEY_LEN>,
    family: &[LabelValues],
    member: usize,
) -> TextWriter<KEY_LEN> {
    let mut i = 1;
    while i < family.len() {
        let value = value_at(family, i - 1, member);
        key = key.push(value).push(",").push(family[i].name).push("=");
        i += 1;
    }
    key
}

/// Returns the generated keys of all series.
pub(super) const fn keys<const LEN: usize, const KEY_LEN: usize>(
    mut all: DeclaredMetrics,
) -> [Text<KEY_LEN>; LEN] {
    let mut keys = [Text::EMPTY; LEN];
    let mut next = 0;
    while all.advance() {
        if !all.has_other_keys() {
            continue;
        }
        let start = all.key_start();
        let [.., last] = all.family else {
            keys[next] = start.finish();
            next += 1;
            continue;
        };
        let mut member = 0;
        while member < all.members {
            let outer = push_outer_values(start, all.family, member);
            let mut values = last.values;
            while let [value, rest @ ..] = values {
                keys[next] = outer.push(value).push("}").finish();
                next += 1;
                member += 1;
                values = rest;
            }
        }
    }
    keys
}

/// Returns the labels of all [`OuterLabels::Joined`] in one list. Each [`OuterLabels::Joined`] contains the position and the
/// number of its labels in this list.
pub(super) const fn joined_labels<const LEN: usize>(
    mut all: DeclaredMetrics,
) -> [(&'static str, &'static str); LEN] {
    let mut joined = [("", ""); LEN];
    while all.advance() {
        let OuterLabels::Joined { mut at, .. } = all.outer_labels else { continue };
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

/// Returns the descriptors of all series, with their generated labels and keys.
pub(super) const fn descriptors<const LEN: usize, const KEY_LEN: usize>(
    mut all: DeclaredMetrics,
    joined_labels: Labels,
    mut lists_of_keys: &[&'static [Text<KEY_LEN>]],
) -> [Descriptor; LEN] {
    let mut metrics = [const { Descriptor::gauge("unused") }; LEN];
    let mut next = 0;
    let mut keys: &'static [Text<KEY_LEN>] = &[];
    while all.advance() {
        let mut metric = Descriptor { ..*all.metric };
        if !all.has_other_keys() {
            metrics[next] = metric;
            next += 1;
            continue;
        }
        metric.labels.outer = match all.outer_labels {
            OuterLabels::One(labels) => labels,
            OuterLabels::Joined { at, len } => joined_labels.split_at(at).1.split_at(len).0,
        };
        metric.labels.family = all.family;
        metric.prefix_len += all.prefix_len;
        while metric.labels.member < all.members {
            if let ([], [list, rest @ ..]) = (keys, lists_of_keys) {
                (keys, lists_of_keys) = (list, rest);
            }
            let [key, rest @ ..] = keys else {
                panic!("a struct has over 16,384 metrics with labels or prefixes; split it")
            };
            let text = key.as_str();
            if !all.has_labels {
                metric.name = text;
            } else if all.prefix_len > 0 && metric.labels.member == 0 {
                metric.name = key.start(all.prefix_len + all.metric.name.len());
            }
            metric.key = Some(text);
            metrics[next] = Descriptor { ..metric };
            (next, keys) = (next + 1, rest);
            metric.labels.member += 1;
        }
    }
    metrics
}
