//! The text of all families: everything but the values is written once, when backends come or go.
//!
//! The formats are those of <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>.

use std::collections::HashMap;

use papyra_metrics::{Kind, Tally};

use super::Format;
use crate::decimal;
use crate::family::Family;
use crate::series::SeriesId;
use crate::series::number::{Form, Number};
use crate::series::shown::ShownValues;

/// The text of all families in one format, without the values.
///
/// A scrape copies the heads and writes a value behind each. Nothing of one scrape is kept for the next.
pub(super) struct Exposition {
    /// The heads of all lines, one after the other. A head is everything between two values: the end of the line
    /// before it, the description of a family before its first sample, and the name and labels of the sample.
    heads: String,
    lines: Vec<Line>,
    /// The lines in runs whose values are of one form.
    runs: Vec<Run>,
    /// The lengths of the heads of histograms: of each bucket but the first, of the sum and of the count.
    more_heads: Vec<usize>,
    /// The text after the last value.
    end: &'static str,
}

/// A series.
struct Line {
    /// The length of the head of its first sample.
    head: usize,
    /// The place of its value.
    place: usize,
}

/// Series with values of one form, one after another.
struct Run {
    len: usize,
    values: ValuesOfRun,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ValuesOfRun {
    Totals,
    Levels,
    Floats,
    Histograms { buckets: usize, base_units_per_unit: u64 },
}

impl Exposition {
    /// Prepares the samples of these series, each with the index and the form of its value. Families are in the order of
    /// their first series.
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
        let (heads, lines, runs, more_heads) = Default::default();
        let mut exposition = Self { heads, lines, runs, more_heads, end: "" };
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
        let heads = &mut self.heads;
        let values = match form {
            Form::Total => ValuesOfRun::Totals,
            Form::Level => ValuesOfRun::Levels,
            Form::Float => ValuesOfRun::Floats,
            Form::Histogram => {
                let Some(buckets) = id.family.buckets() else { return };
                let upper = buckets.written_bounds();
                let upper = upper.iter().map(String::as_str).chain(["+Inf"]);
                let samples = upper.map(|upper| ("_bucket", Some(upper)));
                let mut samples = samples.chain([("_sum", None), ("_count", None)]);
                if let Some((suffix, upper)) = samples.next() {
                    add_sample(id, suffix, upper, heads);
                }
                let head = heads.len() - start;
                for (suffix, upper) in samples {
                    let start = heads.len();
                    heads.push('\n');
                    add_sample(id, suffix, upper, heads);
                    self.more_heads.push(heads.len() - start);
                }
                let (buckets, base_units_per_unit) =
                    (buckets.len(), buckets.base_units_per_unit().max(1));
                let values = ValuesOfRun::Histograms { buckets, base_units_per_unit };
                return self.add_line(Line { head, place }, values);
            }
        };
        add_sample(id, suffix(id.family.kind), None, heads);
        let head = heads.len() - start;
        self.add_line(Line { head, place }, values);
    }

    fn add_line(&mut self, line: Line, values: ValuesOfRun) {
        self.lines.push(line);
        match self.runs.last_mut() {
            Some(run) if run.values == values => run.len += 1,
            _ => self.runs.push(Run { len: 1, values }),
        }
    }

    /// Writes all samples with these values.
    pub(super) fn write(&self, values: &ShownValues, out: &mut String) {
        let mut heads = Heads(&self.heads);
        let (mut lines, mut more_heads) = (&*self.lines, &*self.more_heads);
        for run in &self.runs {
            let (of_run, rest) = lines.split_at(run.len);
            lines = rest;
            heads = match run.values {
                ValuesOfRun::Totals => write_run(of_run, values, heads, out, |number, out| {
                    itoap::write_to_string(out, number.total());
                }),
                ValuesOfRun::Levels => write_run(of_run, values, heads, out, |number, out| {
                    itoap::write_to_string(out, number.level());
                }),
                ValuesOfRun::Floats => write_run(of_run, values, heads, out, |number, out| {
                    decimal::push_float(number.float(), out);
                }),
                ValuesOfRun::Histograms { buckets, base_units_per_unit } => {
                    for line in of_run {
                        let (of_histogram, rest) = more_heads.split_at(buckets + 1);
                        more_heads = rest;
                        out.push_str(heads.next(line.head));
                        let tallies = values.tallies(line.place, buckets);
                        heads =
                            write_histogram(tallies, base_units_per_unit, of_histogram, heads, out);
                    }
                    heads
                }
            };
        }
        out.push_str(self.end);
    }
}

/// Writes the samples of a run. Returns the heads of those after it. Not inlined, so that each kind of run is a loop that
/// keeps what it needs in registers.
#[inline(never)]
fn write_run<'a>(
    lines: &[Line],
    values: &ShownValues,
    mut heads: Heads<'a>,
    out: &mut String,
    write: impl Fn(Number, &mut String),
) -> Heads<'a> {
    let numbers = &*values.numbers;
    for line in lines {
        out.push_str(heads.next(line.head));
        write(numbers[line.place], out);
    }
    heads
}

/// Writes the samples of a histogram, beginning with the value of the first one. Returns the heads that follow.
#[inline(never)]
fn write_histogram<'a>(
    tallies: &[Tally],
    base_units_per_unit: u64,
    next_heads: &[usize],
    mut heads: Heads<'a>,
    out: &mut String,
) -> Heads<'a> {
    let (mut count, mut sum) = (0_u64, 0_u64);
    for (tally, next_head) in tallies.iter().zip(next_heads) {
        count = count.wrapping_add(tally.count);
        sum = sum.wrapping_add(tally.sum);
        itoap::write_to_string(out, count);
        out.push_str(heads.next(*next_head));
    }
    push_sum(sum, base_units_per_unit, out);
    out.push_str(heads.next(next_heads.last().copied().unwrap_or(0)));
    itoap::write_to_string(out, count);
    heads
}

/// The heads that have yet to be written.
struct Heads<'a>(&'a str);

impl<'a> Heads<'a> {
    #[inline]
    fn next(&mut self, len: usize) -> &'a str {
        let (head, rest) = self.0.split_at(len);
        self.0 = rest;
        head
    }
}

/// Writes a sum in the exported unit: without rounding if the unit is a power of ten of base units, otherwise as the nearest
/// float.
fn push_sum(sum: u64, base_units_per_unit: u64, out: &mut String) {
    if !decimal::is_power_of_ten(base_units_per_unit) {
        #[allow(clippy::cast_precision_loss)] // there is no exact decimal
        return decimal::push_float(sum as f64 / base_units_per_unit as f64, out);
    }
    itoap::write_to_string(out, sum / base_units_per_unit);
    decimal::push_fraction(sum % base_units_per_unit, base_units_per_unit, out);
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
        // OpenMetrics requires the unit to be a suffix of the name. It is not if it is the whole name.
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

/// The suffix of a family's name: in its description in the text format, and in its sample in both formats.
fn suffix(kind: Kind) -> &'static str {
    if kind == Kind::Counter { "_total" } else { "" }
}

/// Escapes a label's value or a help. Quotes are escaped except in the help of the text format.
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

#[cfg(test)]
mod tests {
    use super::push_sum;

    #[test]
    fn a_sum_has_each_digit_and_no_zero_at_the_end() {
        for (sum, of, expected) in [
            (0, 1, "0"),
            (u64::MAX, 1, "18446744073709551615"),
            (0, 1_000_000_000, "0"),
            (1, 1_000_000_000, "0.000000001"),
            (1_120_000_000, 1_000_000_000, "1.12"),
            (30_000_000_000, 1_000_000_000, "30"),
            (u64::MAX, 1_000_000_000, "18446744073.709551615"),
            (u64::MAX, 10_u64.pow(18), "18.446744073709551615"),
            (5, 20, "0.25"),
        ] {
            let mut text = String::new();
            push_sum(sum, of, &mut text);
            assert_eq!(text, expected, "{sum} of {of}");
        }
    }
}
