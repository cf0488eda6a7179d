//! The names under which metrics are exported.

use core::{fmt, str};

use super::bytes::{before, ends_with, equal};
use crate::{Descriptor, Kind};

/// The name under which a metric is exported: its prefix, then the field's name with the unit at the end.
///
/// This is the name of the OpenMetrics *family*, without the suffix `_total` of a counter's samples. If the name of a
/// counter field ends in `_total`, this suffix is removed first. Then the unit is placed, if the metric has a unit:
///
/// - If the field's name is the unit, or ends in `_` and the unit, it is unchanged.
/// - If the field's name begins with the unit and `_`, the unit moves to the end: `bytes_written` becomes
///   `written_bytes`.
/// - Otherwise, `_` and the unit are added.
///
/// [`without_unit`](Self::without_unit) is for systems that report the unit separately, such as OpenTelemetry.
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
    /// The prefix, the stem (the field's name without the unit), the separator before the unit, and the unit.
    pub(crate) pieces: [&'a [u8]; 4],
}

impl<'a> ExpositionName<'a> {
    /// Returns the exported name of a metric that has no [`Descriptor`], such as a metric that was read from a file.
    ///
    /// `prefix_len` is the length of the prefixes at the beginning of `name`, in bytes. A unit moves to the end of the
    /// name only if it directly follows the prefixes.
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

    /// Returns the exported name if a cheap check shows that it equals the name of the metric. If the check cannot decide
    /// this, returns `None`.
    pub(crate) const fn unchanged(metric: &'a Descriptor) -> Option<Self> {
        let name = metric.name.as_bytes();
        if metric.unit.is_some()
            || matches!(metric.kind, Kind::Counter) && ends_with(name, b"total")
        {
            return None;
        }
        Some(Self { pieces: [name, b"", b"", b""] })
    }

    /// Returns the length of the name without its suffix, if the name ends in a suffix of sample names such as `_count`.
    /// Otherwise, returns `None`.
    pub(crate) const fn len_without_sample_suffix(&self) -> Option<usize> {
        let [prefix, stem, _, unit] = self.pieces;
        let (([], [], [.., last]) | ([], [.., last], _) | ([.., last], _, _)) =
            (unit, stem, prefix)
        else {
            return None;
        };
        if !SAMPLE_SUFFIX_ENDS[*last as usize] {
            return None;
        }
        let len = self.len();
        let mut kind = 0;
        while kind < Kind::ALL.len() {
            let mut suffixes = Kind::ALL[kind].sample_suffixes();
            while let [suffix, rest @ ..] = suffixes {
                if !suffix.is_empty() && self.ends_with(suffix.as_bytes()) {
                    return Some(len - suffix.len());
                }
                suffixes = rest;
            }
            kind += 1;
        }
        None
    }

    const fn ends_with(&self, mut end: &[u8]) -> bool {
        let mut len = self.len();
        while let [rest @ .., last] = end {
            if len == 0 || self.byte(len - 1) != *last {
                return false;
            }
            len -= 1;
            end = rest;
        }
        true
    }

    /// Returns the name without the unit. If the name consists only of the unit, it is unchanged.
    #[must_use]
    pub const fn without_unit(mut self) -> Self {
        let [prefix, stem, separator, _] = self.pieces;
        if !stem.is_empty() || !separator.is_empty() {
            self.pieces = [prefix, stem, b"", b""];
        } else if ends_with(prefix, b"_") && prefix.len() > 1 {
            self.pieces = [before(prefix, b"_"), b"", b"", b""];
        }
        self
    }

    /// Returns the bytes of the name in pieces, to be written one after another without formatting: the prefix, the
    /// stem (the field's name without the unit), the separator before the unit, and the unit. Each piece may be empty.
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

    pub(crate) const fn len(&self) -> usize {
        let [a, b, c, d] = self.pieces;
        a.len() + b.len() + c.len() + d.len()
    }

    pub(crate) const fn byte(&self, mut i: usize) -> u8 {
        let mut piece = 0;
        while i >= self.pieces[piece].len() {
            i -= self.pieces[piece].len();
            piece += 1;
        }
        self.pieces[piece][i]
    }
}

/// For each byte, whether a suffix in [`Kind::sample_suffixes`] ends in it.
const SAMPLE_SUFFIX_ENDS: &[bool; 256] = &{
    let mut ends = [false; 256];
    let mut kind = 0;
    while kind < Kind::ALL.len() {
        let mut suffixes = Kind::ALL[kind].sample_suffixes();
        while let [suffix, rest @ ..] = suffixes {
            if let [.., last] = suffix.as_bytes() {
                ends[*last as usize] = true;
            }
            suffixes = rest;
        }
        kind += 1;
    }
    ends
};

impl fmt::Display for ExpositionName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names of metrics are ASCII. A piece of any other name can end within a character, and is then left out.
        self.pieces.iter().try_for_each(|piece| f.write_str(str::from_utf8(piece).unwrap_or("")))
    }
}

impl fmt::Debug for ExpositionName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExpositionName({self})")
    }
}

#[cfg(all(test, not(loom), feature = "alloc"))]
mod tests {
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
}
