//! The text of all families: everything but the values is written once, when backends come or go.
//!
//! The formats are those of <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>.

use std::collections::HashMap;

use papyra_metrics::Kind;

use super::Format;
use crate::family::Family;
use crate::series::SeriesId;
use crate::series::values::Number;

/// The text of all families in one format, without the values.
///
/// A scrape copies the heads and writes a value behind each. Nothing of one scrape is kept for the next.
pub(super) struct Exposition {
    /// The heads of all lines, one after the other. A head is everything between two values: the end of the line
    /// before it, the description of a family before its first sample, and the name and labels of the sample.
    heads: String,
    lines: Vec<Line>,
    /// What follows the last value.
    end: &'static str,
}

/// A sample.
struct Line {
    /// The length of its head.
    head: usize,
    /// The index of its value.
    value: usize,
    kind: Kind,
}

impl Exposition {
    /// Prepares the samples of these series, each with the index of its value. Families are in the order in which
    /// their first series come.
    pub(super) fn new<'a>(
        format: Format,
        series: impl IntoIterator<Item = (&'a SeriesId, usize)>,
    ) -> Self {
        let mut by_name: HashMap<&str, usize> = HashMap::new();
        let mut families: Vec<Vec<(&SeriesId, usize)>> = Vec::new();
        for (id, value) in series {
            if suffix(id.family.kind).is_none() {
                continue;
            }
            let index = *by_name.entry(id.family.name()).or_insert(families.len());
            if index == families.len() {
                families.push(Vec::new());
            }
            families[index].push((id, value));
        }
        let mut heads = String::new();
        let mut lines = Vec::new();
        for family in families {
            let mut start = heads.len();
            for (i, (id, value)) in family.into_iter().enumerate() {
                if !lines.is_empty() {
                    heads.push('\n');
                }
                if i == 0 {
                    describe(format, &id.family, &mut heads);
                }
                add_series(id, &mut heads);
                lines.push(Line { head: heads.len() - start, value, kind: id.family.kind });
                start = heads.len();
            }
        }
        let end = match (format, lines.is_empty()) {
            (Format::Text, true) => "",
            (Format::Text, false) => "\n",
            (Format::OpenMetrics, true) => "# EOF\n",
            (Format::OpenMetrics, false) => "\n# EOF\n",
        };
        Self { heads, lines, end }
    }

    /// Writes all samples with these values.
    pub(super) fn write(&self, values: &[Number], out: &mut String) {
        let mut digits = itoa::Buffer::new();
        let mut heads = self.heads.as_str();
        for line in &self.lines {
            let (head, rest) = heads.split_at(line.head);
            heads = rest;
            out.push_str(head);
            let value = values[line.value];
            out.push_str(match line.kind {
                Kind::Gauge => digits.format(value.level()),
                _ => digits.format(value.total()),
            });
        }
        out.push_str(self.end);
    }
}

/// Adds a sample up to its value.
fn add_series(SeriesId { family, labels }: &SeriesId, text: &mut String) {
    text.extend([family.name(), suffix(family.kind).unwrap_or_default()]);
    for (i, (name, value)) in labels.iter().enumerate() {
        text.push(if i == 0 { '{' } else { ',' });
        text.extend([name, "=\""]);
        escape(value, text, true);
        text.push('"');
    }
    text.push_str(if labels.is_empty() { " " } else { "} " });
}

/// Adds the description of a family.
fn describe(format: Format, family: &Family, text: &mut String) {
    let (name, unit) = (family.name(), family.unit());
    let suffix = suffix(family.kind).unwrap_or_default();
    let words = family.own_name().replace('_', " ");
    let help = if family.help().is_empty() { &words } else { family.help() };
    let kind = family.kind.to_string();
    if format == Format::OpenMetrics {
        text.extend(["# TYPE ", name, " ", &kind, "\n"]);
        // A unit has to be a suffix of the name, which it is not if it is the whole name.
        if let Some(unit) = unit.filter(|unit| name.len() > unit.len()) {
            text.extend(["# UNIT ", name, " ", unit, "\n"]);
        }
        text.extend(["# HELP ", name, " "]);
        escape(help, text, true);
        text.push('\n');
    } else {
        text.extend(["# HELP ", name, suffix, " "]);
        escape(help, text, false);
        text.extend(["\n# TYPE ", name, suffix, " ", &kind, "\n"]);
    }
}

/// What the names of samples end in, or `None` for a kind that this version does not know.
fn suffix(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Counter => Some("_total"),
        Kind::Gauge => Some(""),
        _ => None,
    }
}

/// Escapes a label's value or a help. Quotes are escaped everywhere but in the help of the text format.
fn escape(text: &str, out: &mut String, quotes: bool) {
    for char in text.chars() {
        match char {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            _ => out.push(char),
        }
    }
}
