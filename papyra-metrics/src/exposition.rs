//! The names under which metrics are exported, as far as the compiler must know them: two metrics whose
//! exported names collide are refused while they are compiled. Everything here runs at compile time.

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

/// The name that a metric has in every format, in pieces: its prefix, then the field's name with the unit at
/// the end, without the `_total` in which a counter's samples then end.
#[derive(Clone, Copy)]
pub(crate) struct Family<'a> {
    pieces: [&'a [u8]; 4],
}

impl<'a> Family<'a> {
    pub(crate) const fn of(metric: &'a Descriptor) -> Self {
        let (mut prefix, mut stem) = metric.name.as_bytes().split_at(metric.prefix_len);
        if matches!(metric.kind, Kind::Counter) {
            if ends_with(stem, b"_total") {
                stem = stem.split_at(stem.len() - b"_total".len()).0;
            } else if equal(stem, b"total") && ends_with(prefix, b"_") {
                prefix = prefix.split_at(prefix.len() - 1).0;
                stem = b"";
            }
        }
        let Some(unit) = metric.unit else {
            return Self { pieces: [prefix, stem, b"", b""] };
        };
        let unit = unit.as_bytes();
        let unit_at_start = stem.len() > unit.len()
            && stem[unit.len()] == b'_'
            && equal(stem.split_at(unit.len()).0, unit);
        let unit_at_end =
            equal(stem, unit) || ends_with(stem, unit) && stem[stem.len() - unit.len() - 1] == b'_';
        if unit_at_end {
            Self { pieces: [prefix, stem, b"", b""] }
        } else if unit_at_start {
            Self { pieces: [prefix, stem.split_at(unit.len() + 1).1, b"_", unit] }
        } else {
            Self { pieces: [prefix, stem, b"_", unit] }
        }
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

/// What a family's samples may end in, as OpenMetrics 1.0 has it.
const fn suffixes(kind: Kind) -> &'static [&'static [u8]] {
    match kind {
        Kind::Counter => &[b"", b"_total", b"_created"],
        Kind::Gauge => &[b""],
    }
}

/// Whether two metrics cannot be told apart, by their names or by the names of their exported samples.
pub(crate) const fn clash(a: &Descriptor, b: &Descriptor) -> bool {
    if equal(a.name.as_bytes(), b.name.as_bytes()) {
        return true;
    }
    let (family_a, family_b) = (Family::of(a), Family::of(b));
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

const fn same_sample(a: &Family<'_>, a_suffix: &[u8], b: &Family<'_>, b_suffix: &[u8]) -> bool {
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
    use super::{Family, clash};
    use crate::{Descriptor, Kind};
    use alloc::vec::Vec;

    fn family(metric: &Descriptor) -> Vec<u8> {
        Family::of(metric).pieces.concat()
    }

    #[test]
    fn a_family_is_the_prefix_then_the_name_with_its_unit_at_the_end() {
        for (prefix, name, unit, kind, expected) in [
            ("", "records_written", "", Kind::Counter, "records_written"),
            ("", "records_total", "", Kind::Counter, "records"),
            ("", "records_total", "", Kind::Gauge, "records_total"),
            ("", "bytes_written", "bytes", Kind::Counter, "written_bytes"),
            ("", "written_bytes", "bytes", Kind::Counter, "written_bytes"),
            ("", "written_bytes_total", "bytes", Kind::Counter, "written_bytes"),
            ("", "bytes", "bytes", Kind::Counter, "bytes"),
            ("", "written", "bytes", Kind::Counter, "written_bytes"),
            ("", "kilobytes", "bytes", Kind::Gauge, "kilobytes_bytes"),
            ("log_", "bytes_written", "bytes", Kind::Counter, "log_written_bytes"),
            ("bytes_", "written", "bytes", Kind::Counter, "bytes_written_bytes"),
            ("cache_", "total", "", Kind::Counter, "cache"),
            ("cache_", "total", "bytes", Kind::Counter, "cache_bytes"),
        ] {
            let mut metric = Descriptor::new([prefix, name].concat().leak(), kind);
            metric.prefix_len = prefix.len();
            if !unit.is_empty() {
                metric = metric.with_unit(unit);
            }
            assert_eq!(core::str::from_utf8(&family(&metric)), Ok(expected), "{metric:?}");
        }
    }

    #[test]
    fn metrics_clash_when_any_of_their_samples_would_share_a_name() {
        let counter = Descriptor::counter;
        let gauge = Descriptor::gauge;
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
        ] {
            assert_eq!(clash(&a, &b), expected, "{a:?} {b:?}");
            assert_eq!(clash(&b, &a), expected, "{b:?} {a:?}");
        }
    }
}
