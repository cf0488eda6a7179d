//! The text of all families: everything but the values is written once, when backends come or go.
//!
//! The formats are those of <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>.

use std::collections::HashMap;

use papyra_metrics::Kind;

use super::Format;
use crate::decimal;
use crate::family::Family;
use crate::series::SeriesId;
use crate::series::values::{Form, ShownValues};

/// The text of all families in one format, without the values.
///
/// A scrape copies the heads and writes a value behind each. Nothing of one scrape is kept for the next.
pub(super) struct Exposition {
    /// The heads of all lines, one after the other. A head is everything between two values: the end of the line
    /// before it, the description of a family before its first sample, and the name and labels of the sample.
    heads: String,
    lines: Vec<Line>,
    /// The lengths of the heads of histograms: of each bucket but the first, of the sum and of the count.
    more_heads: Vec<usize>,
    /// What follows the last value.
    end: &'static str,
}

/// A series.
struct Line {
    /// The length of the head of its first sample.
    head: usize,
    /// The place of its value.
    place: usize,
    value: ValueOfLine,
}

#[derive(Clone, Copy)]
enum ValueOfLine {
    Total,
    Level,
    Float,
    Histogram { buckets: usize, base_units_per_unit: u64 },
}

impl Exposition {
    /// Prepares the samples of these series, each with the place and the form of its value. Families are in the order
    /// in which their first series come.
    pub(super) fn new<'a>(
        format: Format,
        series: impl IntoIterator<Item = (&'a SeriesId, usize, Form)>,
    ) -> Self {
        let mut by_name: HashMap<&str, usize> = HashMap::new();
        let mut families: Vec<Vec<(&SeriesId, usize, Form)>> = Vec::new();
        for (id, place, form) in series {
            let index = *by_name.entry(id.family.name()).or_insert(families.len());
            if index == families.len() {
                families.push(Vec::new());
            }
            families[index].push((id, place, form));
        }
        let mut exposition =
            Self { heads: String::new(), lines: Vec::new(), more_heads: Vec::new(), end: "" };
        for family in families {
            for (i, (id, place, form)) in family.into_iter().enumerate() {
                let start = exposition.heads.len();
                exposition.end_line();
                if i == 0 {
                    describe(format, &id.family, &mut exposition.heads);
                }
                exposition.add_series(start, id, place, form);
            }
        }
        exposition.end = match (format, exposition.lines.is_empty()) {
            (Format::Text, true) => "",
            (Format::Text, false) => "\n",
            (Format::OpenMetrics, true) => "# EOF\n",
            (Format::OpenMetrics, false) => "\n# EOF\n",
        };
        exposition
    }

    fn end_line(&mut self) {
        if !self.heads.is_empty() {
            self.heads.push('\n');
        }
    }

    /// Adds the samples of a series, whose first head begins at `start`.
    fn add_series(&mut self, start: usize, id: &SeriesId, place: usize, form: Form) {
        let line = |head, value| Line { head, place, value };
        let heads = &mut self.heads;
        let value = match form {
            Form::Total => ValueOfLine::Total,
            Form::Level => ValueOfLine::Level,
            Form::Float => ValueOfLine::Float,
            Form::Histogram => {
                let Some(buckets) = id.family.buckets() else { return };
                let upper = buckets.written_bounds();
                let upper = upper.iter().map(String::as_str).chain(["+Inf"]);
                let samples = upper.map(|upper| ("_bucket", Some(upper)));
                let mut samples = samples.chain([("_sum", None), ("_count", None)]);
                if let Some((suffix, upper)) = samples.next() {
                    add_sample(id, suffix, upper, heads);
                }
                let value = ValueOfLine::Histogram {
                    buckets: buckets.len(),
                    base_units_per_unit: buckets.base_units_per_unit().max(1),
                };
                self.lines.push(line(heads.len() - start, value));
                for (suffix, upper) in samples {
                    let start = heads.len();
                    heads.push('\n');
                    add_sample(id, suffix, upper, heads);
                    self.more_heads.push(heads.len() - start);
                }
                return;
            }
        };
        add_sample(id, suffix(id.family.kind), None, heads);
        self.lines.push(line(heads.len() - start, value));
    }

    /// Writes all samples with these values.
    pub(super) fn write(&self, values: &ShownValues, out: &mut String) {
        let mut digits = itoa::Buffer::new();
        let mut heads = self.heads.as_str();
        let mut push_head = |len: usize, out: &mut String| {
            let (head, rest) = heads.split_at(len);
            heads = rest;
            out.push_str(head);
        };
        let mut more_heads = self.more_heads.iter();
        for line in &self.lines {
            push_head(line.head, out);
            let number = values.numbers[line.place];
            match line.value {
                ValueOfLine::Total => out.push_str(digits.format(number.total())),
                ValueOfLine::Level => out.push_str(digits.format(number.level())),
                ValueOfLine::Float => decimal::push_float(number.float(), out),
                ValueOfLine::Histogram { buckets, base_units_per_unit } => {
                    let (mut count, mut sum) = (0_u64, 0_u64);
                    for tally in values.tallies(line.place, buckets) {
                        count = count.wrapping_add(tally.count);
                        sum = sum.wrapping_add(tally.sum);
                        out.push_str(digits.format(count));
                        push_head(more_heads.next().copied().unwrap_or(0), out);
                    }
                    push_sum(sum, base_units_per_unit, &mut digits, out);
                    push_head(more_heads.next().copied().unwrap_or(0), out);
                    out.push_str(digits.format(count));
                }
            }
        }
        out.push_str(self.end);
    }
}

/// Writes a sum in the exported unit, without rounding unless the unit is not a power of ten of base units.
fn push_sum(sum: u64, base_units_per_unit: u64, digits: &mut itoa::Buffer, out: &mut String) {
    let start = out.len();
    out.push_str(digits.format(sum / base_units_per_unit));
    if !decimal::push_fraction(sum % base_units_per_unit, base_units_per_unit, out) {
        out.truncate(start);
        #[allow(clippy::cast_precision_loss)] // there is no exact decimal
        decimal::push_float(sum as f64 / base_units_per_unit as f64, out);
    }
}

/// Adds a sample up to its value: its name, the labels of the series, and the upper bound of a bucket.
fn add_sample(
    SeriesId { family, labels }: &SeriesId,
    suffix: &str,
    upper: Option<&str>,
    text: &mut String,
) {
    text.extend([family.name(), suffix]);
    for (i, (name, value)) in labels.iter().chain(upper.map(|it| ("le", it))).enumerate() {
        text.push(if i == 0 { '{' } else { ',' });
        text.extend([name, "=\""]);
        escape(value, text, true);
        text.push('"');
    }
    text.push_str(if labels.is_empty() && upper.is_none() { " " } else { "} " });
}

/// Adds the description of a family.
fn describe(format: Format, family: &Family, text: &mut String) {
    let (name, unit) = (family.name(), family.unit());
    let suffix = suffix(family.kind);
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

/// What the text format adds to a family's name in its description, and both formats in its only sample.
fn suffix(kind: Kind) -> &'static str {
    if kind == Kind::Counter { "_total" } else { "" }
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
