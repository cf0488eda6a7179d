//! Names: what a metric, a unit and a label may be called, and the names under which metrics are exported.
//!
//! The derive, the compile-time checks, the registry and the adapters all use these functions.

use core::{fmt, str};

use crate::label_set::LabelSet;
use crate::{Descriptor, Kind};

/// Returns whether this can be the name of a metric: whether it matches `[a-zA-Z_][a-zA-Z0-9_]*`.
///
/// ```
/// use papyra_metrics::naming::is_name;
///
/// assert!(is_name("records_written"));
/// assert!(!is_name("2nd_try") && !is_name("größe") && !is_name(""));
/// ```
pub const fn is_name(name: &str) -> bool {
    let name = name.as_bytes();
    if name.is_empty() || name[0].is_ascii_digit() {
        return false;
    }
    let mut i = 0;
    while i < name.len() {
        if !matches!(name[i], b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_') {
            return false;
        }
        i += 1;
    }
    true
}

/// Returns whether this can be a unit: whether it matches `[a-z0-9_]+`.
///
/// ```
/// use papyra_metrics::naming::is_unit;
///
/// assert!(is_unit("bytes") && !is_unit("MiB") && !is_unit(""));
/// ```
pub const fn is_unit(unit: &str) -> bool {
    let unit = unit.as_bytes();
    let mut i = 0;
    while i < unit.len() {
        if !matches!(unit[i], b'a'..=b'z' | b'0'..=b'9' | b'_') {
            return false;
        }
        i += 1;
    }
    !unit.is_empty()
}

/// Returns whether this can be the name of a fixed label: whether it matches `[a-zA-Z_][a-zA-Z0-9_]*` and no monitoring
/// system reserves it, as `le`, `quantile`, `instance`, `job` and all names that begin with `__` are.
///
/// ```
/// use papyra_metrics::naming::is_label_name;
///
/// assert!(is_label_name("op") && is_label_name("type"));
/// assert!(!is_label_name("le") && !is_label_name("__name__") && !is_label_name("a-b"));
/// ```
pub const fn is_label_name(name: &str) -> bool {
    is_name(name) && !is_reserved_label(name)
}

/// Returns whether Prometheus keeps this label to itself: `le`, `quantile`, `instance`, `job`, and all that begin with
/// `__`.
///
/// ```
/// use papyra_metrics::naming::is_reserved_label;
///
/// assert!(is_reserved_label("le") && is_reserved_label("__name__") && !is_reserved_label("op"));
/// ```
pub const fn is_reserved_label(name: &str) -> bool {
    let name = name.as_bytes();
    matches!(name, b"le" | b"quantile" | b"instance" | b"job" | [b'_', b'_', ..])
}

/// Returns whether this can be the value of a fixed label: whether it matches `[a-z0-9_]+`.
///
/// ```
/// use papyra_metrics::naming::is_label_value;
///
/// assert!(is_label_value("not_found") && is_label_value("0") && !is_label_value("Not found"));
/// ```
pub const fn is_label_value(value: &str) -> bool {
    is_unit(value)
}

/// Refuses a name that no label can have.
#[track_caller]
pub(crate) const fn assert_label_name(name: &str) {
    assert!(is_name(name), "a label's name must match [a-zA-Z_][a-zA-Z0-9_]*");
    assert!(
        !is_reserved_label(name),
        "the labels `le`, `quantile`, `instance`, `job` and `__…` are reserved"
    );
}

/// Refuses a value that no fixed label can have.
#[track_caller]
pub(crate) const fn assert_label_value(value: &str) {
    assert!(is_label_value(value), "a label's value must match [a-z0-9_]+");
}

/// Refuses labels that cannot be those of one metric.
#[track_caller]
pub(crate) const fn assert_labels(labels: &'static [(&'static str, &'static str)]) {
    let mut rest = labels;
    while let [(name, value), after @ ..] = rest {
        assert_label_name(name);
        assert_label_value(value);
        rest = after;
    }
    let labels = LabelSet { own: labels, ..LabelSet::NONE };
    assert!(labels.repeated_name().is_none(), "a metric cannot have two labels of one name");
}

/// The name under which a metric is exported: its prefix, then the field's name with the unit at the end.
///
/// It is the name of the OpenMetrics *family*, without the `_total` in which a counter's samples end. A name
/// already ends in its unit, or starts with it (`bytes_written` becomes `written_bytes`), or the unit is added;
/// a counter's own `_total` is taken off. [`without_unit`](Self::without_unit) is for systems that keep the
/// unit apart, as OpenTelemetry does.
///
/// ```
/// use papyra_metrics::Descriptor;
///
/// let metric = Descriptor::counter("bytes_written").with_unit("bytes");
/// assert_eq!(metric.exposition_name().to_string(), "written_bytes");
/// assert_eq!(metric.exposition_name().without_unit().to_string(), "written");
/// ```
#[derive(Clone, Copy)]
pub struct ExpositionName<'a> {
    /// Prefix, stem, what joins the unit, unit.
    pub(crate) pieces: [&'a [u8]; 4],
}

impl<'a> ExpositionName<'a> {
    /// The exported name of a metric that no [`Descriptor`] describes, such as one read from a file.
    ///
    /// `prefix_len` is how many bytes of `name` are prefixes, over which a unit does not move to the end.
    ///
    /// ```
    /// use papyra_metrics::{ExpositionName, Kind};
    ///
    /// let name = ExpositionName::new("log_bytes_read_total", 4, Kind::Counter, Some("bytes"));
    /// assert_eq!(name.to_string(), "log_read_bytes");
    /// ```
    pub const fn new(name: &'a str, prefix_len: usize, kind: Kind, unit: Option<&'a str>) -> Self {
        let name = name.as_bytes();
        let (mut prefix, mut stem) =
            name.split_at(if prefix_len < name.len() { prefix_len } else { name.len() });
        if matches!(kind, Kind::Counter) {
            if ends_with(stem, b"_total") && name.len() > b"_total".len() {
                stem = before(stem, b"_total");
            } else if equal(stem, b"total") && ends_with(prefix, b"_") {
                prefix = before(prefix, b"_");
                stem = b"";
            }
        }
        let Some(unit) = unit else {
            return Self { pieces: [prefix, stem, b"", b""] };
        };
        let unit = unit.as_bytes();
        if equal(stem, unit) {
            return Self { pieces: [prefix, b"", b"", unit] };
        }
        if ends_with(stem, unit) && ends_with(before(stem, unit), b"_") {
            return Self { pieces: [prefix, before(before(stem, unit), b"_"), b"_", unit] };
        }
        let unit_at_start = stem.len() > unit.len()
            && stem[unit.len()] == b'_'
            && equal(stem.split_at(unit.len()).0, unit);
        if unit_at_start {
            stem = stem.split_at(unit.len() + 1).1;
        }
        Self { pieces: [prefix, stem, b"_", unit] }
    }

    pub(crate) const fn of(metric: &'a Descriptor) -> Self {
        Self::new(metric.name, metric.prefix_len, metric.kind, metric.unit)
    }

    /// The same name without the unit, unless that is all there is.
    #[must_use]
    pub const fn without_unit(mut self) -> Self {
        let [prefix, stem, joint, _] = self.pieces;
        if !stem.is_empty() || !joint.is_empty() {
            self.pieces = [prefix, stem, b"", b""];
        } else if ends_with(prefix, b"_") && prefix.len() > 1 {
            self.pieces = [before(prefix, b"_"), b"", b"", b""];
        }
        self
    }

    /// Returns the bytes of the name in pieces, to be written one after another without formatting: the prefix, the
    /// stem, what joins the unit, and the unit. Each of them may be empty.
    ///
    /// ```
    /// use papyra_metrics::Descriptor;
    ///
    /// let metric = Descriptor::counter("bytes_written").with_unit("bytes");
    /// assert_eq!(metric.exposition_name().pieces(), [&b""[..], b"written", b"_", b"bytes"]);
    /// ```
    pub const fn pieces(&self) -> [&'a [u8]; 4] {
        self.pieces
    }

    const fn len(&self) -> usize {
        let [a, b, c, d] = self.pieces;
        a.len() + b.len() + c.len() + d.len()
    }

    const fn byte(&self, mut i: usize) -> u8 {
        let mut piece = 0;
        while i >= self.pieces[piece].len() {
            i -= self.pieces[piece].len();
            piece += 1;
        }
        self.pieces[piece][i]
    }
}

impl fmt::Display for ExpositionName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A name that is not ASCII cannot be the name of a metric; parts that cannot be split at the expected bytes are left out.
        self.pieces.iter().try_for_each(|piece| f.write_str(str::from_utf8(piece).unwrap_or("")))
    }
}

impl fmt::Debug for ExpositionName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExpositionName({self})")
    }
}

/// The reason why two metrics cannot be distinguished.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Conflict {
    /// They are one series.
    Series,
    /// They have exported samples of one name.
    Samples,
    /// They are of one family, but the names of their labels differ.
    LabelNames,
}

/// Returns why two metrics cannot be distinguished, or `None` if they can. Series of one family can be distinguished if
/// their label values differ.
pub(crate) const fn conflict(a: &Descriptor, b: &Descriptor) -> Option<Conflict> {
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

/// Whether two metrics are series of one family: the same exported name, kind and unit.
pub(crate) const fn same_family(a: &Descriptor, b: &Descriptor) -> bool {
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

/// The result of comparing two sets of labels. Their order is irrelevant.
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
    // From the end, where names that share a prefix differ first.
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

pub(crate) const fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && ends_with(a, b)
}

/// The text without its last bytes, as many as `end` has.
const fn before<'a>(text: &'a [u8], end: &[u8]) -> &'a [u8] {
    text.split_at(text.len() - end.len()).0
}

const fn ends_with(text: &[u8], end: &[u8]) -> bool {
    if text.len() < end.len() {
        return false;
    }
    let mut i = 0;
    while i < end.len() {
        if text[text.len() - end.len() + i] != end[i] {
            return false;
        }
        i += 1;
    }
    true
}

#[cfg(all(test, not(loom), feature = "alloc"))]
mod tests {
    use super::{Conflict, conflict};
    use crate::{Descriptor, Kind};
    use alloc::string::ToString;

    #[test]
    fn an_exported_name_is_the_prefix_then_the_name_with_its_unit_at_the_end() {
        for (prefix, name, unit, kind, expected, without_unit) in [
            ("", "records_written", "", Kind::Counter, "records_written", "records_written"),
            ("", "records_total", "", Kind::Counter, "records", "records"),
            ("", "records_total", "", Kind::Gauge, "records_total", "records_total"),
            ("", "bytes_written", "bytes", Kind::Counter, "written_bytes", "written"),
            ("", "written_bytes", "bytes", Kind::Counter, "written_bytes", "written"),
            ("", "written_bytes_total", "bytes", Kind::Counter, "written_bytes", "written"),
            ("", "bytes", "bytes", Kind::Counter, "bytes", "bytes"),
            ("", "written", "bytes", Kind::Counter, "written_bytes", "written"),
            ("", "kilobytes", "bytes", Kind::Gauge, "kilobytes_bytes", "kilobytes"),
            ("log_", "bytes_written", "bytes", Kind::Counter, "log_written_bytes", "log_written"),
            ("bytes_", "written", "bytes", Kind::Counter, "bytes_written_bytes", "bytes_written"),
            ("cache_", "total", "", Kind::Counter, "cache", "cache"),
            ("cache_", "total", "bytes", Kind::Counter, "cache_bytes", "cache"),
            ("cache_", "bytes", "bytes", Kind::Gauge, "cache_bytes", "cache"),
        ] {
            let mut metric = Descriptor::new([prefix, name].concat().leak(), kind);
            metric.prefix_len = prefix.len();
            if !unit.is_empty() {
                metric = metric.with_unit(unit);
            }
            let exported = metric.exposition_name();
            assert_eq!(exported.to_string(), expected, "{metric:?}");
            assert_eq!(exported.without_unit().to_string(), without_unit, "{metric:?}");
        }
    }

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
    fn metrics_of_one_family_have_labels_of_the_same_names_and_of_other_values() {
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
