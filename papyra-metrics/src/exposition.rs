//! The names under which metrics are exported. Adapters print them, and the compiler refuses two metrics whose
//! exported names collide; so the rule stands here once, and runs at compile time too.

use core::{fmt, str};

use crate::{Descriptor, Kind};

/// Whether these bytes match `[a-zA-Z_][a-zA-Z0-9_]*`.
pub(crate) const fn is_name(name: &[u8]) -> bool {
    if name.is_empty() || name[0].is_ascii_digit() {
        return false;
    }
    let mut i = 0;
    while i < name.len() {
        if !name[i].is_ascii_alphanumeric() && name[i] != b'_' {
            return false;
        }
        i += 1;
    }
    true
}

/// Whether these bytes match `[a-z0-9_]+`.
pub(crate) const fn is_unit(unit: &[u8]) -> bool {
    let mut i = 0;
    while i < unit.len() {
        if !(unit[i].is_ascii_lowercase() || unit[i].is_ascii_digit() || unit[i] == b'_') {
            return false;
        }
        i += 1;
    }
    !unit.is_empty()
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
    pieces: [&'a [u8]; 4],
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
        // A name that is not ASCII can be no metric's; what cannot be split as it should is left out.
        self.pieces.iter().try_for_each(|piece| f.write_str(str::from_utf8(piece).unwrap_or("")))
    }
}

impl fmt::Debug for ExpositionName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExpositionName({self})")
    }
}

/// What a family's samples may end in, as OpenMetrics 1.0 has it.
const fn suffixes(kind: Kind) -> &'static [&'static [u8]] {
    match kind {
        Kind::Counter => &[b"", b"_total", b"_created"],
        Kind::Gauge => &[b""],
        Kind::Histogram => &[b"", b"_bucket", b"_count", b"_sum", b"_created"],
    }
}

/// Whether two metrics cannot be told apart, by their names or by the names of their exported samples.
pub(crate) const fn clash(a: &Descriptor, b: &Descriptor) -> bool {
    if equal(a.name.as_bytes(), b.name.as_bytes()) {
        return true;
    }
    let (family_a, family_b) = (ExpositionName::of(a), ExpositionName::of(b));
    let (suffixes_a, suffixes_b) = (suffixes(a.kind), suffixes(b.kind));
    let mut i = 0;
    while i < suffixes_a.len() {
        let mut j = 0;
        while j < suffixes_b.len() {
            if same_sample(&family_a, suffixes_a[i], &family_b, suffixes_b[j]) {
                return true;
            }
            j += 1;
        }
        i += 1;
    }
    false
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

/// What stands before the end of this text, which is as long as `end`.
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
    use super::clash;
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
    fn metrics_clash_when_any_of_their_samples_would_share_a_name() {
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
            assert_eq!(clash(&a, &b), expected, "{a:?} {b:?}");
            assert_eq!(clash(&b, &a), expected, "{b:?} {a:?}");
        }
    }
}
