//! Decides at compile time whether two metrics can be distinguished.

use crate::Descriptor;
use crate::label_set::LabelSet;
use crate::naming::{ExpositionName, equal};

/// The reason why two metrics cannot be distinguished.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Conflict {
    /// The metrics are the same series.
    Series,
    /// The metrics have exported samples with the same name.
    Samples,
    /// The metrics belong to one family, but the names of their labels differ.
    LabelNames,
}

/// Returns why two metrics cannot be distinguished, or `None` if they can. Series of one family can be distinguished if
/// their label values differ.
pub(super) const fn conflict(a: &Descriptor, b: &Descriptor) -> Option<Conflict> {
    let labels = compare_labels(&a.labels, &b.labels);
    if equal(a.name.as_bytes(), b.name.as_bytes()) && matches!(labels, LabelMatch::Same) {
        return Some(Conflict::Series);
    }
    if same_family(a, b) {
        return match labels {
            LabelMatch::Same => Some(Conflict::Samples),
            LabelMatch::OtherValues => None,
            LabelMatch::OtherNames => Some(Conflict::LabelNames),
        };
    }
    let (family_a, family_b) = (ExpositionName::of(a), ExpositionName::of(b));
    let (suffixes_a, suffixes_b) = (a.kind.sample_suffixes(), b.kind.sample_suffixes());
    let mut i = 0;
    while i < suffixes_a.len() {
        let mut j = 0;
        while j < suffixes_b.len() {
            let (a, b) = (suffixes_a[i].as_bytes(), suffixes_b[j].as_bytes());
            if same_sample(&family_a, a, &family_b, b) {
                return Some(Conflict::Samples);
            }
            j += 1;
        }
        i += 1;
    }
    None
}

/// Returns whether two metrics are series of one family: whether they have the same exported name, kind and unit.
pub(super) const fn same_family(a: &Descriptor, b: &Descriptor) -> bool {
    same_unit(a, b)
        && a.kind as u8 == b.kind as u8
        && same_sample(&ExpositionName::of(a), b"", &ExpositionName::of(b), b"")
}

const fn same_unit(a: &Descriptor, b: &Descriptor) -> bool {
    match (a.unit, b.unit) {
        (None, None) => true,
        (Some(a), Some(b)) => equal(a.as_bytes(), b.as_bytes()),
        _ => false,
    }
}

/// The result of comparing two sets of labels. The order of the labels is irrelevant.
enum LabelMatch {
    Same,
    OtherValues,
    OtherNames,
}

const fn compare_labels(a: &LabelSet, b: &LabelSet) -> LabelMatch {
    if a.len() != b.len() {
        return LabelMatch::OtherNames;
    }
    let mut same = LabelMatch::Same;
    let mut i = 0;
    while i < a.len() {
        let (name, value_of_a) = a.get(i);
        match b.value_of(name) {
            None => return LabelMatch::OtherNames,
            Some(value) if equal(value_of_a.as_bytes(), value.as_bytes()) => {}
            Some(_) => same = LabelMatch::OtherValues,
        }
        i += 1;
    }
    same
}

const fn same_sample(
    a: &ExpositionName<'_>,
    a_suffix: &[u8],
    b: &ExpositionName<'_>,
    b_suffix: &[u8],
) -> bool {
    let len = a.len() + a_suffix.len();
    if len != b.len() + b_suffix.len() {
        return false;
    }
    // Compares from the end, because many names share a prefix.
    let mut i = len;
    while i > 0 {
        i -= 1;
        let a = if i < a.len() { a.byte(i) } else { a_suffix[i - a.len()] };
        let b = if i < b.len() { b.byte(i) } else { b_suffix[i - b.len()] };
        if a != b {
            return false;
        }
    }
    true
}

#[cfg(all(test, not(loom), feature = "alloc"))]
mod tests {
    use super::{Conflict, conflict};
    use crate::Descriptor;

    #[test]
    fn metrics_collide_if_any_of_their_samples_would_share_a_name() {
        let counter = Descriptor::counter;
        let gauge = Descriptor::gauge;
        let histogram = Descriptor::histogram;
        for (a, b, expected) in [
            (counter("writes"), gauge("writes"), true),
            (counter("writes"), counter("writes_total"), true),
            (counter("writes"), gauge("writes_total"), true),
            (counter("writes"), gauge("writes_created"), true),
            (counter("writes_total"), gauge("writes"), true),
            (gauge("writes"), gauge("writes_total"), false),
            (counter("writes"), counter("reads"), false),
            (counter("bytes_read").with_unit("bytes"), counter("read_bytes"), true),
            (counter("bytes_read"), counter("read_bytes"), false),
            (histogram("writes"), gauge("writes_count"), true),
            (histogram("writes"), counter("writes_sum"), true),
            (histogram("writes"), gauge("writes_bucket"), true),
            (histogram("writes").with_unit("seconds"), counter("writes_count"), false),
            (histogram("writes").with_unit("seconds"), gauge("writes_seconds_count"), true),
            (histogram("writes"), gauge("writes_max"), false),
        ] {
            assert_eq!(conflict(&a, &b).is_some(), expected, "{a:?} {b:?}");
            assert_eq!(conflict(&b, &a).is_some(), expected, "{b:?} {a:?}");
        }
    }

    #[test]
    fn metrics_of_one_family_have_the_same_label_names_and_different_values() {
        let requests = || Descriptor::counter("requests");
        let gets = requests().with_labels(&[("op", "get"), ("tier", "hot")]);
        for (other, expected) in [
            (requests(), Some(Conflict::LabelNames)),
            (requests().with_labels(&[("op", "get")]), Some(Conflict::LabelNames)),
            (requests().with_labels(&[("op", "get"), ("level", "0")]), Some(Conflict::LabelNames)),
            (requests().with_labels(&[("op", "put"), ("tier", "hot")]), None),
            (requests().with_labels(&[("tier", "cold"), ("op", "get")]), None),
            (requests().with_labels(&[("tier", "hot"), ("op", "get")]), Some(Conflict::Series)),
            (
                Descriptor::counter("requests_total")
                    .with_labels(&[("op", "get"), ("tier", "hot")]),
                Some(Conflict::Samples),
            ),
            (
                Descriptor::gauge("requests").with_labels(&[("op", "put"), ("tier", "hot")]),
                Some(Conflict::Samples),
            ),
        ] {
            assert_eq!(conflict(&gets, &other), expected, "{other:?}");
            assert_eq!(conflict(&other, &gets), expected, "{other:?}");
        }
    }
}
